import qs from 'qs';
import type { FormParameters } from '../../../../sandbox/stripe/api/form.ts';
import type { StripeMock } from '../../../../sandbox/stripe/specification/stripe-mock.ts';

/** A request as far as stripe-mock looks at it. */
export interface MockRequest {
  readonly method: string;
  /** With `:id` in it: there, every id exists. */
  readonly path: string;
  readonly parameters: FormParameters;
}

/** Sends a request to stripe-mock. @returns why it was refused; undefined when it was accepted */
export async function mockRefusal(mock: StripeMock, request: MockRequest): Promise<string | undefined> {
  const { method, path } = request;
  const form = qs.stringify(request.parameters, { encodeValuesOnly: true });
  const url = `${mock.url}${path.replaceAll(/:\w+/g, 'any_id')}`;
  const authorization = 'Bearer sk_test_mock';
  const sending =
    method === 'POST'
      ? fetch(url, { method, headers: { authorization }, body: new URLSearchParams(form) })
      : fetch(form === '' ? url : `${url}?${form}`, { method, headers: { authorization } });
  const response = await sending.catch((cause: unknown) => {
    throw new Error(`stripe-mock does not answer; its last lines: ${mock.output().join('\n')}`, { cause });
  });
  const body = await response.text();
  return response.ok ? undefined : `${method} ${path} ${form}\n    ${body.trim()}`;
}
