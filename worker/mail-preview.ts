import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { MAIL_EXAMPLES, type MailExample } from '../activities/mail-template-examples.ts';
import { createMailRenderer, type RenderedMail } from '../activities/mail-templates.ts';

const DEFAULT_OUT = '.sandbox/mail-preview';
const INDEX = 'index.html';

type Preview = { file: string; locale: string; example: MailExample; mail: RenderedMail };

try {
  const { out, templates } = readFlags();
  const previews = await renderAll(templates);
  await writeAll(out, previews);
  process.stdout.write(`${previews.length} mails: ${pathToFileURL(join(out, INDEX))}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

/** @throws TypeError for a flag that there isn't */
function readFlags(): { out: string; templates: string | undefined } {
  const { values } = parseArgs({ options: { out: { type: 'string' }, templates: { type: 'string' } } });
  return { out: resolve(values.out ?? DEFAULT_OUT), templates: values.templates };
}

async function renderAll(templates: string | undefined): Promise<Preview[]> {
  const renderer = createMailRenderer({ overrides: templates });
  const previews: Preview[] = [];
  for (const locale of renderer.locales) {
    for (const example of MAIL_EXAMPLES) {
      const file = `${locale}/${example.kind}-${example.name.replaceAll(' ', '-')}`;
      previews.push({ file, locale, example, mail: await renderer.render({ ...example, locale }) });
    }
  }
  return previews;
}

async function writeAll(out: string, previews: readonly Preview[]): Promise<void> {
  for (const { file, locale, mail } of previews) {
    await mkdir(join(out, locale), { recursive: true });
    await writeFile(join(out, `${file}.html`), mail.html);
    await writeFile(join(out, `${file}.txt`), `Subject: ${mail.subject}\n\n${mail.text}`);
  }
  await writeFile(join(out, INDEX), indexPage(previews));
}

function indexPage(previews: readonly Preview[]): string {
  const rows = previews.map(
    ({ file, locale, example, mail }) =>
      `<tr><td>${locale}<td>${example.kind}<td>${example.name}<td><a href="${file}.html">${escapeHtml(mail.subject)}</a><td><a href="${file}.txt">text</a>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Mails</title>
<style>body{font:15px/1.5 sans-serif;margin:2rem}td{padding:.2rem 1rem .2rem 0}</style>
<h1>Mails</h1>
<table>
${rows.join('\n')}
</table>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
