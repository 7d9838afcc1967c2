import { createRandom } from './random.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** What follows the prefix in recorded ids: fixed first characters, then this many random ones. */
const shapes = {
  cus: { lead: '', length: 14 },
  prod: { lead: '', length: 14 },
  price: { lead: '1', length: 23 },
  sub: { lead: '1', length: 23 },
  si: { lead: '', length: 14 },
  in: { lead: '1', length: 23 },
  il: { lead: '1', length: 23 },
  ii: { lead: '1', length: 23 },
  cbtxn: { lead: '1', length: 23 },
  inpay: { lead: '1', length: 23 },
  pi: { lead: '3', length: 23 },
  ch: { lead: '3', length: 23 },
  py: { lead: '3', length: 23 },
  re: { lead: '3', length: 23 },
  pyr: { lead: '1', length: 23 },
  du: { lead: '1', length: 23 },
  pm: { lead: '1', length: 23 },
  seti: { lead: '1', length: 23 },
  setatt: { lead: '1', length: 23 },
  li: { lead: '1', length: 23 },
  clock: { lead: '1', length: 23 },
  evt: { lead: '1', length: 23 },
  // The ids of thin events and of event destinations are longer, and tell the mode.
  evt_test: { lead: '65', length: 44 },
  ed_test: { lead: '61', length: 42 },
  we: { lead: '1', length: 23 },
  whsec: { lead: '', length: 32 },
  cs_test: { lead: 'a1', length: 56 },
  bpc: { lead: '1', length: 23 },
  bps: { lead: '1', length: 23 },
  req: { lead: '', length: 14 },
} as const;

/** A prefix this simulator makes ids for. */
export type IdPrefix = keyof typeof shapes;

/** Makes ids; the same seed gives the same ids in the same order. */
export interface IdSource {
  /** A new id, such as `cus_NffrFeUfNV2Hib`. */
  next(prefix: IdPrefix): string;
  /** Random base62 characters, for secrets and numbers that are not ids. */
  characters(length: number): string;
}

export function createIdSource(seed: number): IdSource {
  const characters = createCharacters(seed);
  // A stream of their own: however often somebody asks whether a clock is ready, objects have the same ids.
  const requestCharacters = createCharacters(seed + 1);
  return {
    characters,
    next(prefix) {
      const { lead, length } = shapes[prefix];
      return `${prefix}_${lead}${(prefix === 'req' ? requestCharacters : characters)(length)}`;
    },
  };
}

function createCharacters(seed: number): (length: number) => string {
  const random = createRandom(seed);
  return (length) => {
    let text = '';
    for (let i = 0; i < length; i++) text += alphabet[Math.floor(random() * alphabet.length)];
    return text;
  };
}
