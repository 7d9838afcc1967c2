import { Ajv, type ValidateFunction } from 'ajv';
import type { Deviation, Exception } from './deviations.ts';

/** Lets pass what an exception names, and remembers which ones were needed. */
export class Excuses {
  private readonly exceptions: ReadonlyMap<string, Exception>;
  private readonly used = new Set<Exception>();
  private readonly shapes = new Map<Exception, ValidateFunction>();
  private readonly ajv = new Ajv({ allErrors: true, allowUnionTypes: true });

  constructor(exceptions: readonly Exception[]) {
    this.exceptions = new Map(exceptions.map((exception) => [keyOf(exception), exception]));
  }

  /** The deviations that remain: those that nothing excuses, and the excused ones that have not the shape they should. */
  remaining(deviations: readonly Deviation[]): Deviation[] {
    return deviations.flatMap((deviation) => {
      const exception = this.exceptions.get(keyOf(deviation));
      if (!exception) return [deviation];
      this.used.add(exception);
      return this.misshapen(exception, deviation);
    });
  }

  /** The exceptions that excused nothing so far. */
  unused(): Exception[] {
    return [...this.exceptions.values()].filter((exception) => !this.used.has(exception));
  }

  private misshapen(exception: Exception, deviation: Deviation): Deviation[] {
    if (!exception.shape) return [];
    let validate = this.shapes.get(exception);
    if (!validate) {
      validate = this.ajv.compile(exception.shape);
      this.shapes.set(exception, validate);
    }
    if (validate(deviation.value)) return [];
    const detail = `not of the shape that its exception gives: ${this.ajv.errorsText(validate.errors)}`;
    return [{ ...deviation, what: 'value', detail }];
  }
}

function keyOf({ where, what }: Deviation | Exception): string {
  return `${where} ${what}`;
}
