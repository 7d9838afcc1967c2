import { createServer, type Server } from 'node:http';
import type { CaughtMessage } from './caught-messages.ts';

const REFRESH_SECONDS = 5;
const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Shows the messages: `/` is a page for people, `/messages` is JSON, both with the newest first. */
export function createMessagePage(messages: () => readonly CaughtMessage[]): Server {
  return createServer((request, response) => {
    const newestFirst = messages().toReversed();
    if (request.url === '/messages') {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(newestFirst));
    } else if (request.url === '/') {
      response.setHeader('content-type', 'text/html; charset=utf-8').end(page(newestFirst));
    } else {
      response.writeHead(404).end();
    }
  });
}

function page(messages: CaughtMessage[]): string {
  return `<!doctype html><html lang="en"><head><title>Caught mail</title><meta http-equiv="refresh" content="${REFRESH_SECONDS}">
<style>body { font: 15px system-ui; max-width: 60em; margin: 2em auto } article { border-top: 1px solid #ccc }
pre { white-space: pre-wrap } iframe { width: 100%; height: 20em; border: 1px solid #ccc }</style></head>
<body><h1>Caught mail (${messages.length})</h1>${messages.map(article).join('')}</body></html>`;
}

/** What is in a mail is foreign: it is shown as text, and its HTML in a frame that may neither run nor submit. */
function article({ from, to, subject, text, html, at }: CaughtMessage): string {
  const frame = `<details><summary>HTML</summary><iframe sandbox srcdoc="${asText(html)}"></iframe></details>`;
  return `<article><h2>${asText(subject)}</h2><p>${at.toISOString()}, ${asText(from)} to ${asText(to.join(', '))}</p>
<pre>${asText(text)}</pre>${html === '' ? '' : frame}</article>`;
}

function asText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}
