import type { Resource } from '../resource.ts';
import type { Transaction } from '../state/transaction.ts';
import { invalidRequest } from './errors.ts';

/** Stripe's limit; `data` counts as a level. */
const levelsMax = 4;

type Resources = ReadonlyMap<string, Resource>;

/**
 * Replaces ids by their objects along the given paths (`customer`, `data.latest_invoice`). The answer is a copy:
 * what is stored keeps its ids.
 * @throws StripeError 400 for a path that is too deep or that can't be expanded.
 */
export function expand(
  tx: Transaction,
  resources: Resources,
  answer: unknown,
  paths: readonly string[],
): unknown {
  let expanded = answer;
  for (const path of paths) {
    const segments = path.split('.');
    if (segments.length > levelsMax) {
      const message = `You cannot expand more than ${levelsMax} levels of a property (${path}).`;
      throw invalidRequest({ code: 'property_expansion_max_depth', param: 'expand', message });
    }
    expanded = expandPath({ tx, resources, path }, expanded, segments, { owner: undefined, prefix: '' });
  }
  return expanded;
}

interface Expanding {
  readonly tx: Transaction;
  readonly resources: Resources;
  readonly path: string;
}

/** The object that a nested hash belongs to, and the dotted way from there. */
interface Place {
  readonly owner: { readonly resource: Resource; readonly id: string } | undefined;
  readonly prefix: string;
}

function expandPath(expanding: Expanding, value: unknown, segments: readonly string[], from: Place): unknown {
  const [segment, ...rest] = segments;
  if (segment === undefined || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => expandPath(expanding, one, segments, from));
  if (typeof value !== 'object') throw notExpandable(expanding.path);
  const hash: Record<string, unknown> = { ...value };
  const place = placeOf(expanding, hash, from);
  const name = `${place.prefix}${segment}`;
  const expansion = expansionOf(place, name);
  const inner = { owner: place.owner, prefix: `${name}.` };
  if (expansion === undefined) {
    const next = hash[segment];
    if (typeof next !== 'object' || rest.length === 0) throw notExpandable(expanding.path);
    return { ...hash, [segment]: expandPath(expanding, next, rest, inner) };
  }
  const target = expandOne(expanding, hash[segment], expansion, place.owner?.id ?? '');
  return { ...hash, [segment]: expandPath(expanding, target, rest, inner) };
}

/** Of its own properties only: the caller chooses the name, `constructor` for one. */
function expansionOf({ owner }: Place, name: string): Resource['expandable'][string] | undefined {
  const expandable = owner?.resource.expandable;
  return expandable && Object.hasOwn(expandable, name) ? expandable[name] : undefined;
}

function expandOne(
  expanding: Expanding,
  current: unknown,
  expansion: Resource['expandable'][string],
  ownerId: string,
): unknown {
  if (typeof expansion === 'function') return current ?? expansion(expanding.tx, ownerId);
  if (typeof current !== 'string') return current ?? null;
  return expanding.resources.get(expansion)?.find?.(expanding.tx, current) ?? current;
}

function placeOf(expanding: Expanding, hash: Record<string, unknown>, from: Place): Place {
  const resource = typeof hash.object === 'string' ? expanding.resources.get(hash.object) : undefined;
  if (!resource) return from;
  return { owner: { resource, id: String(hash.id) }, prefix: '' };
}

function notExpandable(path: string): Error {
  return invalidRequest({ param: 'expand', message: `This property cannot be expanded (${path}).` });
}
