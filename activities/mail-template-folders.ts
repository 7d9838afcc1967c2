import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_LOCALE, NOTICE_KINDS, type NoticeKind } from '../domain/notification.ts';

/** Beside this file, in the sources as in the built worker. */
const BUILT_IN = fileURLToPath(new URL('./mail-templates', import.meta.url));
/** Pieces that several templates use; a folder for all locales, and one in each. */
const PARTS = 'parts';
const LAYOUT = 'layout.html.liquid';

export type TemplateFolders = {
  /** Every locale that has templates. */
  locales: readonly string[];
  /** The locale whose templates a reader of `wanted` gets: itself, a wider one (`pt` for `pt-BR`), or English. */
  localeFor: (kind: NoticeKind, wanted: string) => string;
  /** Where a file of a locale's mails is looked for, first that has it. */
  roots: (locale: string) => string[];
  /** The template with this text. */
  fileWith: (text: string) => string | undefined;
};

/** How the template of a mail's text or HTML is called in a locale's folder. */
export function templateFile(kind: NoticeKind, format: 'text' | 'html'): string {
  return `${kind}.${format === 'text' ? 'txt' : 'html'}.liquid`;
}

/**
 * Looks which templates there are: those of `overrides` before the built-in ones, file by file.
 *
 * @throws Error when the folder can't be read, or has something that no mail would ever use
 */
export function readTemplateFolders(overrides: string | undefined): TemplateFolders {
  const bases = overrides === undefined ? [BUILT_IN] : [overrides, BUILT_IN];
  for (const base of bases) refuseUnused(base);
  const locales = [...new Set(bases.flatMap(localeFolders))].sort();
  const has = (locale: string, file: string) => bases.some((base) => existsSync(join(base, locale, file)));
  const isComplete = (locale: string, kind: NoticeKind) =>
    has(locale, templateFile(kind, 'text')) && has(locale, templateFile(kind, 'html'));
  for (const locale of locales) refuseHalves(locale, has);
  return {
    locales,
    localeFor: (kind, wanted) =>
      widening(wanted).find((locale) => isComplete(locale, kind)) ?? DEFAULT_LOCALE,
    roots: (locale) => [
      ...widening(locale).flatMap((each) => bases.map((base) => join(base, each))),
      ...bases,
    ],
    fileWith: (text) => bases.flatMap(allTemplates).find((file) => readFileSync(file, 'utf8') === text),
  };
}

/** `pt-BR`, `pt`, `en` for `pt-BR`: RFC 4647's lookup. What is no locale at all is read as English. */
function widening(locale: string): string[] {
  const subtags = (canonicalLocale(locale) ?? DEFAULT_LOCALE).split('-');
  const widened = subtags.map((_, index) => subtags.slice(0, subtags.length - index).join('-'));
  return [...new Set([...widened, DEFAULT_LOCALE])];
}

/**
 * The locale in which amounts and dates of a mail are written: `de-AT` in German words for a reader of `de-AT`, but
 * English all through when there are no words of the reader's language.
 *
 * @param written the locale of the mail's templates
 */
export function formattingLocale(wanted: string, written: string): string {
  const canonical = canonicalLocale(wanted) ?? written;
  return languageOf(canonical) === languageOf(written) ? canonical : written;
}

function languageOf(locale: string): string | undefined {
  return locale.split('-')[0];
}

/** @returns the locale in its usual spelling without extensions, undefined when it is none */
function canonicalLocale(locale: string): string | undefined {
  try {
    return new Intl.Locale(locale).baseName;
  } catch {
    return undefined;
  }
}

function localeFolders(base: string): string[] {
  return readdirSync(base).filter(
    (name) => !name.startsWith('.') && name !== PARTS && statSync(join(base, name)).isDirectory(),
  );
}

/** A misspelt name would be passed over without a word, and the mail go out as it was. */
function refuseUnused(base: string): void {
  for (const locale of localeFolders(base)) {
    const canonical = canonicalLocale(locale);
    if (canonical !== locale) {
      const hint = canonical === undefined ? 'is no locale such as pt-BR' : `must be called ${canonical}`;
      throw new Error(`${join(base, locale)} ${hint}`);
    }
    for (const file of templatesIn(join(base, locale))) {
      const isUsed = NOTICE_KINDS.some(
        (kind) => file === templateFile(kind, 'text') || file === templateFile(kind, 'html'),
      );
      if (!isUsed && file !== LAYOUT)
        throw new Error(`${join(base, locale, file)} is the template of no mail`);
    }
  }
  for (const file of templatesIn(base)) {
    if (file !== LAYOUT)
      throw new Error(`${join(base, file)} is used by no mail; templates are in a locale’s folder`);
  }
}

/** Half a mail in a language of its own would never be sent. */
function refuseHalves(locale: string, has: (locale: string, file: string) => boolean): void {
  for (const kind of NOTICE_KINDS) {
    const [text, html] = [templateFile(kind, 'text'), templateFile(kind, 'html')];
    if (has(locale, text) === has(locale, html)) continue;
    const [there, missing] = has(locale, text) ? [text, html] : [html, text];
    throw new Error(`${locale}/${there} needs ${locale}/${missing} beside it`);
  }
}

function templatesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.liquid'));
}

function allTemplates(base: string): string[] {
  return readdirSync(base, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.liquid'))
    .map((name) => join(base, name));
}
