import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  DEFAULT_DUNNING_POLICY_SOURCE,
  type DunningPolicy,
  readDunningPolicy,
} from '../domain/dunning-policy.ts';
import { Failure } from '../domain/failures.ts';

/** A policy as it was read, with its source, which is kept beside the cases that follow it. */
export type DunningPolicyFile = { version: string; digest: string; source: unknown; policy: DunningPolicy };

/**
 * Reads the policy that new cases begin with.
 *
 * @param path a JSON file; missing: the built-in policy
 * @throws Failure InvalidInput that says what is wrong with the file, naming the stage
 */
export function readDunningPolicyFile(path?: string): DunningPolicyFile {
  const source = path === undefined ? DEFAULT_DUNNING_POLICY_SOURCE : parseFile(path);
  return dunningPolicyFile(source);
}

/** A policy of a source that is at hand. @throws Failure InvalidInput */
export function dunningPolicyFile(source: unknown): DunningPolicyFile {
  const policy = readDunningPolicy(source);
  const digest = createHash('sha256').update(JSON.stringify(source)).digest('hex');
  return { version: policy.version, digest, source, policy };
}

function parseFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure('InvalidInput', `The dunning policy ${path} can’t be read: ${reason}`);
  }
}
