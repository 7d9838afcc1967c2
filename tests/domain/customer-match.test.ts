import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CONFLICT_REASONS,
  type CustomerFacts,
  IMPORT_OUTCOMES,
  LEFT_REASONS,
  matchCustomer,
} from '../../domain/customer-match.ts';

const facts = (overrides: Partial<CustomerFacts> = {}): CustomerFacts => ({
  knownTenant: null,
  isDeleted: false,
  hasOtherLivemode: false,
  email: 'ada@example.com',
  namedTenants: [],
  existingNamed: [],
  tenantsByEmail: [],
  rivals: 0,
  hasLiveLicense: true,
  ...overrides,
});
const named = (...tenants: string[]) => ({ namedTenants: tenants, existingNamed: tenants });
const conflict = (reason: string, ...candidates: string[]) => ({
  outcome: 'conflict',
  tenant: null,
  reason,
  candidates,
});
const left = (reason: string) => ({ outcome: 'left', tenant: null, reason, candidates: [] });
const matched = (outcome: string, tenant: string) => ({ outcome, tenant, reason: null, candidates: [] });

describe('whose a customer is (exact answer 15)', () => {
  test.each<[string, Partial<CustomerFacts>, object]>([
    ['the tenant that its metadata names', named('t1'), matched('link', 't1')],
    [
      'metadata comes before the e-mail',
      { ...named('t1'), tenantsByEmail: ['t2'], rivals: 3 },
      matched('link', 't1'),
    ],
    [
      'metadata that names no tenant is a conflict, whatever the e-mail says',
      { namedTenants: ['gone'], tenantsByEmail: ['t2'] },
      conflict('unknown_tenant'),
    ],
    [
      'several names of which none is a tenant are one conflict of that kind',
      { namedTenants: ['gone', 'away'] },
      conflict('unknown_tenant'),
    ],
    [
      'of two names one is a tenant: it is a candidate, and not guessed',
      { namedTenants: ['t1', 'gone'], existingNamed: ['t1'] },
      conflict('unknown_tenant', 't1'),
    ],
    [
      'customer and subscription name different tenants',
      named('t1', 't2'),
      conflict('several_tenants', 't1', 't2'),
    ],
    ['the one tenant with its e-mail', { tenantsByEmail: ['t1'] }, matched('link', 't1')],
    [
      'one e-mail with several tenants',
      { tenantsByEmail: ['t1', 't2'] },
      conflict('several_tenants', 't1', 't2'),
    ],
    [
      'several customers for one tenant by e-mail alone',
      { tenantsByEmail: ['t1'], rivals: 1 },
      conflict('several_customers', 't1'),
    ],
    [
      'a customer with a row keeps its tenant, whatever else speaks',
      { knownTenant: 't9', ...named('t1', 't2'), isDeleted: true, tenantsByEmail: ['t3'], rivals: 1 },
      matched('known', 't9'),
    ],
    [
      'a deleted customer without a row is left, even if something names a tenant',
      { isDeleted: true, ...named('t1') },
      left('customer_deleted'),
    ],
    [
      'one of the other mode is left before anything else',
      { hasOtherLivemode: true, knownTenant: 't1', ...named('t1') },
      left('livemode_mismatch'),
    ],
    ['nobody’s is left', {}, left('no_tenant')],
  ])('%s', (_, overrides, expected) => {
    expect(matchCustomer(facts(overrides), false)).toEqual(expected);
  });
});

describe('I6 with createMissing', () => {
  test.each<[string, Partial<CustomerFacts>, object]>([
    [
      'a paying customer that is nobody’s gets a tenant',
      {},
      { outcome: 'create', tenant: null, reason: null, candidates: [] },
    ],
    ['one that does not pay for licences is left', { hasLiveLicense: false }, left('no_license')],
    ['one without an e-mail is left: nobody could be invited', { email: null }, left('no_email')],
    ['who has a tenant by e-mail gets no second one', { tenantsByEmail: ['t1'] }, matched('link', 't1')],
    ['who names no tenant gets none either', { namedTenants: ['gone'] }, conflict('unknown_tenant')],
    ['a deleted customer gets none', { isDeleted: true }, left('customer_deleted')],
  ])('%s', (_, overrides, expected) => {
    expect(matchCustomer(facts(overrides), true)).toEqual(expected);
  });
});

const ids = fc.uniqueArray(fc.constantFrom('t1', 't2', 't3', 't4'), { maxLength: 3 });
const anyFacts = fc.record({
  knownTenant: fc.option(fc.constantFrom('t1', 't2')),
  isDeleted: fc.boolean(),
  hasOtherLivemode: fc.boolean(),
  email: fc.option(fc.constant('ada@example.com')),
  namedTenants: ids,
  tenantsByEmail: ids,
  rivals: fc.nat(2),
  hasLiveLicense: fc.boolean(),
  existing: ids,
});

test('every customer has exactly one outcome: a tenant, or a reason, or a creation; and nothing is guessed', () => {
  fc.assert(
    fc.property(anyFacts, fc.boolean(), ({ existing, ...rest }, createMissing) => {
      const all = { ...rest, existingNamed: rest.namedTenants.filter((name) => existing.includes(name)) };
      const match = matchCustomer(all, createMissing);
      expect(IMPORT_OUTCOMES).toContain(match.outcome);
      const speaks = new Set<string | null>([...all.existingNamed, ...all.tenantsByEmail, all.knownTenant]);
      switch (match.outcome) {
        case 'known':
        case 'link':
          expect(match).toMatchObject({ reason: null, candidates: [] });
          expect(speaks.has(match.tenant)).toBe(true);
          break;
        case 'create':
          expect(match).toMatchObject({ tenant: null, reason: null, candidates: [] });
          expect(createMissing && all.hasLiveLicense && all.email !== null).toBe(true);
          break;
        case 'conflict':
          expect(CONFLICT_REASONS).toContain(match.reason);
          expect(match.tenant).toBeNull();
          expect(match.candidates.every((candidate) => speaks.has(candidate))).toBe(true);
          if (match.reason === 'several_tenants') expect(match.candidates.length).toBeGreaterThan(1);
          if (match.reason === 'several_customers') expect(match.candidates).toHaveLength(1);
          break;
        case 'left':
          expect(LEFT_REASONS).toContain(match.reason);
          expect(match).toMatchObject({ tenant: null, candidates: [] });
      }
    }),
  );
});
