import { Html, type HtmlValue, html } from './html.ts';
import { consoleStyle, customerStyle, style } from './style.ts';

/** A page for developers. @param page.refreshSeconds how often it loads itself anew */
export function consolePage(page: {
  title: string;
  header?: HtmlValue;
  body: HtmlValue;
  refreshSeconds?: number | undefined;
}): string {
  const { body, header, refreshSeconds, title } = page;
  return document(
    html`<title>${title}</title>
${refreshSeconds !== undefined && html`<meta http-equiv="refresh" content="${refreshSeconds}">`}
<style>${new Html(style + consoleStyle)}</style>`,
    html`<div class="console">
<header><h1>${title}</h1>${header}</header>
${body}
</div>`,
  );
}

/** A page for buyers and customers. @param page.columns a basket beside a form, or one thing below the other */
export function customerPage(page: { title: string; columns: 'one' | 'two'; body: HtmlValue }): string {
  return document(
    html`<title>${page.title}</title>
<style>${new Html(style + customerStyle)}</style>`,
    html`<main class="shop ${page.columns}">
${page.body}
<footer class="soft">A page of the Stripe simulator: no money moves.</footer>
</main>`,
  );
}

/** A table of cells; an empty one says so. */
export function table(headings: readonly string[], rows: readonly (readonly HtmlValue[])[]): Html {
  if (rows.length === 0) return html`<p class="soft">None yet.</p>`;
  return html`<table>
<thead><tr>${headings.map((heading) => html`<th>${heading}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody>
</table>`;
}

/** Names with their values. */
export function facts(entries: readonly (readonly [string, HtmlValue])[]): Html {
  return html`<dl>${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** A moment, to the second. */
export function moment(ms: number): Html {
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)}</time>`;
}

/** The time of a moment of which the day goes without saying; the whole of it when the pointer rests on it. */
export function clockTime(ms: number): Html {
  const iso = new Date(ms).toISOString();
  return html`<time title="${iso}" datetime="${iso}">${iso.slice(11, 19)}</time>`;
}

/** The day of a moment. */
export function day(ms: number): Html {
  const format = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' });
  return html`<time datetime="${new Date(ms).toISOString()}">${format.format(ms)}</time>`;
}

function document(head: Html, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
${head}
</head>
<body>
${body}
</body>
</html>
`.text;
}
