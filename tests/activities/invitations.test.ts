import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { afterAll, expect, test } from 'vitest';
import { createMailer } from '../../activities/mail.ts';
import { startMailCatcher } from '../../sandbox/mail/start-mail-catcher.ts';
import { createStripe } from '../../stripe/client.ts';
import { useDatabase } from '../database.ts';
import { billingRows, newId } from '../db/billing-rows.ts';
import { activityWorld, dump } from './activity-world.ts';

const { database, pool } = await useDatabase();
const rows = billingRows({ database, pool });
const mails = await startMailCatcher();
const mailer = createMailer({ smtpUrl: mails.smtpUrl, from: 'no-reply@example.com' });
afterAll(async () => {
  mailer.close();
  await mails.close();
});
const stripe = createStripe({ secretKey: 'sk_test_1', apiBase: 'http://127.0.0.1:1' });
const world = activityWorld({ database, stripe, mailer, randomBytes });

const send = (tenant: string) => world.run(world.sendInvitation, { tenant });
const newTenant = async (overrides: object = {}) => {
  const email = `${newId('ada').toLowerCase()}@example.com`;
  return { ...(await rows.tenantWithCustomer({ email, ...overrides })), email };
};
const mailsTo = (email: string) => mails.messages().filter((message) => message.to.includes(email));
const tokenIn = (text: string) => /invitations\/([\w-]+)/.exec(text)?.[1] ?? 'none';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

async function invitationOf(tenant: string) {
  const { rows: found } = await pool.query(
    `select n.status, n.attempts, n.last_error, n.message_id, n.sent_at, encode(i.token_hash, 'hex') as hash, i.expires_at
     from notifications n join tenant_invitations i using (tenant) where tenant = $1`,
    [tenant],
  );
  return found[0];
}

test('I9 the token stands in the mail alone: its hash is kept, and neither outbox nor log nor result hold it', async () => {
  const { tenant, email } = await newTenant();
  expect(await send(tenant)).toEqual({ sent: true });
  const [mail] = mailsTo(email);
  const token = tokenIn(mail?.text ?? '');
  expect(Buffer.from(token, 'base64url')).toHaveLength(32);
  expect(mail?.text).toContain(`https://app.example.com/invitations/${token}`);
  expect(mail?.html).toContain(token);
  expect(await invitationOf(tenant)).toMatchObject({
    status: 'sent',
    attempts: 1,
    last_error: null,
    message_id: mail?.messageId,
    hash: sha256(token),
    expires_at: new Date('2026-11-28T12:00:00Z'),
  });
  expect(await dump(pool, ['notifications', 'tenant_invitations', 'tenants', 'audit_log'])).not.toContain(
    token,
  );
  expect(world.logged.join()).not.toContain(token);
});

test('I11 what was sent is not sent again', async () => {
  const { tenant, email } = await newTenant();
  await send(tenant);
  const before = await invitationOf(tenant);
  expect(await send(tenant)).toEqual({ sent: false });
  expect(mailsTo(email)).toHaveLength(1);
  expect(await invitationOf(tenant)).toEqual(before);
});

test('a try whose record was lost is made again: the second mail’s link replaces the first’s', async () => {
  const { tenant, email } = await newTenant();
  await send(tenant);
  await pool.query("update notifications set status = 'queued', sent_at = null where tenant = $1", [tenant]);
  await send(tenant);
  const [first, second] = mailsTo(email);
  expect(tokenIn(second?.text ?? '')).not.toBe(tokenIn(first?.text ?? ''));
  expect(second?.messageId).not.toBe(first?.messageId);
  expect(await invitationOf(tenant)).toMatchObject({
    attempts: 2,
    hash: sha256(tokenIn(second?.text ?? '')),
  });
});

test('a refused recipient is final and shown; corrected, the mail goes to the new address alone', async () => {
  const { tenant, email } = await newTenant();
  mails.rejectRecipient(email);
  await expect(send(tenant)).rejects.toMatchObject({ name: 'RecipientRefused' });
  const failed = await invitationOf(tenant);
  expect(failed).toMatchObject({ status: 'failed', attempts: 1 });
  expect(failed.last_error).toContain('550');
  expect(failed.last_error).not.toContain(email);
  const corrected = `new-${email}`;
  await world.run(world.recordOperatorAction, {
    tenant,
    workflow_id: 'create-tenant-x',
    command_id: newId('update'),
    action: 'amend',
    step: 'send_invitation',
    actor: 'grace',
    reason: 'typo',
    correction: { email: corrected },
  });
  expect(await send(tenant)).toEqual({ sent: true });
  expect(mailsTo(email)).toHaveLength(0);
  expect(mailsTo(corrected)).toHaveLength(1);
});

test('a recipient refused, then a plain retry: it is tried again', async () => {
  const { tenant, email } = await newTenant();
  await pool.query("update notifications set status = 'failed', last_error = 'x' where tenant = $1", [
    tenant,
  ]);
  expect(await send(tenant)).toEqual({ sent: true });
  expect(mailsTo(email)).toHaveLength(1);
});

test('a busy mail server is passing trouble: the mail stays queued', async () => {
  const { tenant, email } = await newTenant();
  mails.failNext(1);
  await expect(send(tenant)).rejects.toMatchObject({ name: 'MailServerUnavailable' });
  expect(await invitationOf(tenant)).toMatchObject({ status: 'queued', attempts: 1 });
  expect(await send(tenant)).toEqual({ sent: true });
  expect(mailsTo(email)).toHaveLength(1);
});

test('a mail server that is away is passing trouble', async () => {
  const { tenant } = await newTenant();
  const nowhere = createMailer({ smtpUrl: 'smtp://127.0.0.1:1', from: 'no-reply@example.com' });
  const away = activityWorld({ database, stripe, mailer: nowhere, randomBytes });
  await expect(away.run(away.sendInvitation, { tenant })).rejects.toMatchObject({
    name: 'MailServerUnavailable',
  });
  nowhere.close();
  expect(await invitationOf(tenant)).toMatchObject({ status: 'queued', sent_at: null });
});

test('a late failure does not take back what another try has sent', async () => {
  const { tenant, email } = await newTenant();
  const outcome = new EventEmitter();
  const slow = activityWorld({
    database,
    stripe,
    randomBytes,
    mailer: {
      send: () => once(outcome, 'never').then(() => undefined),
      close: () => undefined,
    },
  });
  const first = slow.run(slow.sendInvitation, { tenant });
  await expect.poll(async () => (await invitationOf(tenant)).attempts).toBe(1);
  await send(tenant);
  outcome.emit('error', new Error('too slow'));
  await expect(first).rejects.toThrow('too slow');
  expect(await invitationOf(tenant)).toMatchObject({ status: 'sent' });
  await send(tenant);
  expect(mailsTo(email)).toHaveLength(1);
});

test.each([
  ["o'brien+tag@example.com", "o'brien+tag@example.com"],
  // What isn't plain stands in quotes on the wire (RFC 5321, 4.1.2), and is still this address.
  ['o"quote"@example.com', '"o\\"quote\\""@example.com'],
  ['group:eve@example.com', '"group:eve"@example.com'],
])('the mail goes to exactly the address that was given: %s', async (address, onTheWire) => {
  const { tenant } = await newTenant({ email: address });
  await send(tenant);
  expect(mails.messages().at(-1)?.to).toEqual([onTheWire]);
});

test('a name with markup is text in the mail', async () => {
  const { tenant, email } = await newTenant({ client_name: '<script>alert("x")</script> & Co' });
  await send(tenant);
  const [mail] = mailsTo(email);
  expect(mail?.html).not.toContain('<script>');
  expect(mail?.text).toContain('<script>alert("x")</script> & Co');
});

test('a tenant without an invitation: nothing is sent', async () => {
  expect(await send('00000000-0000-4000-8000-000000000001')).toEqual({ sent: false });
});
