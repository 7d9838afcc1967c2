import { Ajv, type SchemaObject, type ValidateFunction } from 'ajv';
import type { Deviation, Exception } from './deviations.ts';

/** Lets pass what an exception names, and remembers which ones were needed. */
export class Excuses {
  private readonly exceptions: ReadonlyMap<string, Exception>;
  private readonly used = new Set<Exception>();
  private readonly shapes = new Map<Exception, ValidateFunction>();
  private readonly ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
  private readonly schemaOf: ((declared: string) => SchemaObject) | undefined;

  /** @param schemaOf what the values of a declared property look like; values are not looked at where it is missing */
  constructor(exceptions: readonly Exception[], schemaOf?: (declared: string) => SchemaObject) {
    this.schemaOf = schemaOf;
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
    const validate = this.shapeOf(exception);
    if (!validate || deviation.value === undefined || validate(deviation.value)) return [];
    const detail = `it is not what stripe-node declares: ${this.ajv.errorsText(validate.errors)}`;
    return [{ ...deviation, what: 'value', detail }];
  }

  /** Of keys in answers and events: a parameter's value is a text, whatever is declared. */
  private shapeOf(exception: Exception): ValidateFunction | undefined {
    const { declared, what, where } = exception;
    if (!this.schemaOf || declared === undefined || what !== 'unknown' || where.includes('?'))
      return undefined;
    const known = this.shapes.get(exception);
    if (known) return known;
    const validate = this.ajv.compile(this.schemaOf(declared));
    this.shapes.set(exception, validate);
    return validate;
  }
}

function keyOf({ where, what }: Deviation | Exception): string {
  return `${where} ${what}`;
}
