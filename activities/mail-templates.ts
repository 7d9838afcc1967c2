import { type Context, Liquid, type LiquidOptions, UndefinedVariableError } from 'liquidjs';
import { type Notice, type NoticeKind, readNotice } from '../domain/notification.ts';
import { formatDate, formatMoment, formatMoney } from './mail-formats.ts';
import { MAIL_EXAMPLES } from './mail-template-examples.ts';
import {
  formattingLocale,
  readTemplateFolders,
  type TemplateFolders,
  templateFile,
} from './mail-template-folders.ts';
import { type MailView, mailView } from './mail-view.ts';

const SUBJECT_LENGTH_MAX = 200;
/** No template may run away: what a mail's lists and texts take up, and how long it is worked on. */
const MEMORY_MAX = 1_000_000;
const RENDER_TIMEOUT_MS = 10_000;

export type RenderedMail = { subject: string; text: string; html: string };

export type MailRenderer = {
  /** Every locale that has templates. */
  locales: readonly string[];
  /**
   * Renders a notice in the language that comes closest to `locale`; what is no locale counts as English.
   *
   * @throws Failure InvalidInput when the data isn't what the kind of notice tells
   */
  render: (mail: Notice & { locale: string }) => Promise<RenderedMail>;
};

type Render = (mail: Notice & { locale: string }) => RenderedMail;
type Engines = { text: Liquid; html: Liquid };

/**
 * Reads all templates and renders every example with them, so that what is broken shows before a mail is due.
 *
 * @param options.overrides a folder whose templates replace the built-in ones, file by file
 * @throws Error that names the template, its line and what is wrong with it
 */
export function createMailRenderer(options: { overrides?: string | undefined } = {}): MailRenderer {
  const folders = readTemplateFolders(options.overrides);
  const enginesOf = new Map(folders.locales.map((locale) => [locale, createEngines(folders.roots(locale))]));
  const render: Render = ({ kind, locale, data }) => {
    const written = folders.localeFor(kind, locale);
    const engines = enginesOf.get(written);
    if (engines === undefined) throw new Error(`There are no mail templates in ${written}`);
    const notice = readNotice({ kind, data });
    return renderMail(engines, kind, mailView(notice.data, formattingLocale(locale, written)));
  };
  for (const locale of folders.locales) checkTemplates(locale, { folders, render });
  return { locales: folders.locales, render: async (mail) => render(mail) };
}

/** @throws Error that names file, line and column */
function checkTemplates(
  locale: string,
  { folders, render }: { folders: TemplateFolders; render: Render },
): void {
  for (const example of MAIL_EXAMPLES) {
    try {
      render({ ...example, locale });
    } catch (error) {
      const which = `${example.kind} (${locale}, ${example.name})`;
      throw new Error(`The mail ${which} can’t be rendered: ${reasonOf(error, folders)}`, { cause: error });
    }
  }
}

/** Liquid's own messages name the file, but for a variable that there isn't. */
function reasonOf(error: unknown, folders: TemplateFolders): string {
  const reason = error instanceof Error ? error.message : String(error);
  if (!(error instanceof UndefinedVariableError)) return reason;
  return `${reason}, file:${folders.fileWith(error.token.input) ?? 'unknown'}`;
}

function createEngines(roots: string[]): Engines {
  const engines = {
    text: new Liquid(engineOptions(roots)),
    html: new Liquid({ ...engineOptions(roots), outputEscape: 'escape' }),
  };
  for (const engine of [engines.text, engines.html]) registerFilters(engine);
  return engines;
}

/**
 * Made anew for each engine: Liquid puts its cache into the options that it is given, and templates that were parsed for
 * text would then stand unescaped in HTML.
 */
function engineOptions(root: string[]): LiquidOptions {
  return {
    root,
    // What is parsed is kept, so a change of a file is seen at the next start.
    cache: true,
    relativeReference: false,
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    memoryLimit: MEMORY_MAX,
    renderLimit: RENDER_TIMEOUT_MS,
  };
}

function registerFilters(engine: Liquid): void {
  engine.registerFilter('money', function (amount: unknown) {
    return formatMoney(amount, viewIn(this.context).locale);
  });
  engine.registerFilter('date', function (instant: unknown) {
    return formatDate(instant, viewIn(this.context));
  });
  engine.registerFilter('moment', function (instant: unknown) {
    return formatMoment(instant, viewIn(this.context));
  });
  engine.registerFilter('when', function (instant: unknown) {
    const view = viewIn(this.context);
    return view.with_time ? formatMoment(instant, view) : formatDate(instant, view);
  });
}

/** The view is each rendering's globals, so that parts see it too. */
function viewIn({ globals }: Context): MailView {
  return globals as MailView;
}

function renderMail({ text, html }: Engines, kind: NoticeKind, view: MailView): RenderedMail {
  const file = templateFile(kind, 'text');
  const mail = splitSubject(String(text.renderFileSync(file, {}, { globals: view })), file);
  const globals = { ...view, subject: mail.subject };
  return { ...mail, html: String(html.renderFileSync(templateFile(kind, 'html'), {}, { globals })) };
}

/** @throws Error when the first line is no subject or the second isn't empty */
function splitSubject(rendered: string, file: string): { subject: string; text: string } {
  const [subject = '', second = '', ...rest] = rendered.split(/\r?\n/).map((line) => line.trimEnd());
  if (subject === '') throw new Error(`the first line of ${file} must be the subject`);
  if (second !== '') throw new Error(`the second line of ${file} must be empty`);
  // Conditions that don't hold leave empty lines behind.
  const text = rest.join('\n').replaceAll(/\n{3,}/g, '\n\n');
  return { subject: shortened(subject), text: `${text.trim()}\n` };
}

function shortened(subject: string): string {
  if (subject.length <= SUBJECT_LENGTH_MAX) return subject;
  // The cut may have halved a character.
  return `${subject.slice(0, SUBJECT_LENGTH_MAX - 1).replace(/\p{Cs}$/u, '')}…`;
}
