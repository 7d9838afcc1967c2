import { createTransport, type Transporter } from 'nodemailer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type MailCatcher, startMailCatcher } from '../../sandbox/mail/start-mail-catcher.ts';

let mail: MailCatcher;
let transport: Transporter;

beforeEach(async () => {
  mail = await startMailCatcher();
  transport = createTransport(mail.smtpUrl);
});
afterEach(async () => {
  transport.close();
  await mail.close();
});

const message = { from: 'shop@example.com', to: 'Ada <ada@example.com>', subject: 'Grüße', text: 'Hallo' };

test('a message is caught as it was sent, with its envelope and its parts decoded', async () => {
  const html = '<p>Hallo</p>';
  const sent = await transport.sendMail({ ...message, html, bcc: 'audit@example.com' });
  const [caught] = mail.messages();
  expect(caught).toMatchObject({
    from: 'shop@example.com',
    subject: 'Grüße',
    html: expect.stringContaining(html),
  });
  expect(caught?.to.toSorted()).toEqual(['ada@example.com', 'audit@example.com']);
  expect(caught?.text.trim()).toBe('Hallo');
  expect(caught?.messageId).toBe(sent.messageId);
  expect(Date.now() - Number(caught?.at)).toBeLessThan(10_000);
});

test('one can wait for a message that is there and for one that is yet to come', async () => {
  const later = mail.waitForMessage(({ subject }) => subject === 'second', 5_000);
  await transport.sendMail({ ...message, subject: 'first' });
  expect((await mail.waitForMessage(({ subject }) => subject === 'first', 5_000)).subject).toBe('first');
  await transport.sendMail({ ...message, subject: 'second' });
  expect((await later).subject).toBe('second');
});

test('waiting in vain ends with what has come instead', async () => {
  await transport.sendMail(message);
  await expect(mail.waitForMessage(() => false, 50)).rejects.toThrow('ada@example.com: Grüße');
});

test('failNext refuses so many messages with 451 and then takes them again', async () => {
  mail.failNext(2);
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    await expect(transport.sendMail(message)).rejects.toMatchObject({ responseCode: 451 });
  }
  expect(mail.messages()).toEqual([]);
  await transport.sendMail(message);
  expect(mail.messages()).toHaveLength(1);
});

test('a rejected recipient gets 550, others get their mail', async () => {
  mail.rejectRecipient('Gone@example.com');
  await expect(transport.sendMail({ ...message, to: 'gone@example.com' })).rejects.toMatchObject({
    responseCode: 550,
  });
  await transport.sendMail({ ...message, to: ['gone@example.com', 'ada@example.com'] });
  expect(mail.messages().map(({ to }) => to)).toEqual([['ada@example.com']]);
});

test('a message above 1 MiB is refused', async () => {
  const error = await transport
    .sendMail({ ...message, text: 'x'.repeat(1_200_000) })
    .catch((reason) => reason);
  expect(error.responseCode).toBe(552);
});

test('the page shows the newest message first and nothing of it as markup', async () => {
  await transport.sendMail({ ...message, subject: 'old' });
  await transport.sendMail({ ...message, subject: '<script>new</script>', html: '<b title="x">hi</b>' });
  const page = await (await fetch(mail.url)).text();
  expect(page).not.toContain('<script>');
  expect(page).not.toContain('<b title');
  expect(page.indexOf('&lt;script&gt;new')).toBeLessThan(page.indexOf('old'));
  const listed = (await (await fetch(`${mail.url}/messages`)).json()) as { subject: string }[];
  expect(listed.map(({ subject }) => subject)).toEqual(['<script>new</script>', 'old']);
  expect((await fetch(`${mail.url}/nothing`)).status).toBe(404);
});

test('a thousand messages are kept, the oldest go first', async () => {
  const pool = createTransport({ url: mail.smtpUrl, pool: true, maxConnections: 5, maxMessages: Infinity });
  await pool.sendMail({ ...message, subject: 'the first' });
  await Promise.all(Array.from({ length: 1_000 }, () => pool.sendMail(message)));
  pool.close();
  expect(mail.messages()).toHaveLength(1_000);
  expect(mail.messages().some(({ subject }) => subject === 'the first')).toBe(false);
});

test('close() ends it even with a connection open, may be called again, and a taken port is an error', async () => {
  const pool = createTransport({ url: mail.smtpUrl, pool: true });
  await pool.sendMail(message);
  const port = Number(new URL(mail.smtpUrl).port);
  await expect(startMailCatcher({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await mail.close();
  await mail.close();
  pool.close();
  await expect(transport.sendMail(message)).rejects.toMatchObject({ code: 'ESOCKET' });
});
