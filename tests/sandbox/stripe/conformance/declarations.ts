import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** A property as stripe-node declares it. */
export interface DeclaredProperty {
  readonly isOptional: boolean;
  readonly isNullable: boolean;
}

const parsed = new Map<string, ts.SourceFile>();

/**
 * Looks a property up in stripe-node's declarations.
 *
 * @param path file, then interface, by the namespaces it stands in, then property:
 * `Prices/Price.Recurring.trial_period_days`, `Checkout/Sessions/SessionCreateParams.mode`
 * @returns undefined when stripe-node declares no such thing
 * @throws Error when there is no such file
 */
export function declaredProperty(path: string): DeclaredProperty | undefined {
  const cut = path.lastIndexOf('/');
  const names = path.slice(cut + 1).split('.');
  const property = names.pop();
  const owner = names.pop();
  let scopes: readonly ts.Node[] = [sourceFile(path.slice(0, cut))];
  for (const name of names) scopes = scopes.flatMap((scope) => namespacesOf(scope, name));
  for (const declared of scopes.flatMap((scope) => interfacesOf(scope, owner))) {
    for (const member of declared.members) {
      if (!ts.isPropertySignature(member) || member.name.getText() !== property) continue;
      const type = member.type?.getText() ?? '';
      return { isOptional: member.questionToken !== undefined, isNullable: / \| null$/.test(type) };
    }
  }
  return undefined;
}

function sourceFile(name: string): ts.SourceFile {
  const known = parsed.get(name);
  if (known) return known;
  const path = fileURLToPath(new URL(`resources/${name}.d.ts`, import.meta.resolve('stripe')));
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ESNext, true);
  parsed.set(name, file);
  return file;
}

/** The blocks of all namespaces of this name: parameters of v1 stand once more in `Stripe.V1`-like ones. */
function namespacesOf(scope: ts.Node, name: string): ts.Node[] {
  return childrenOf(scope).flatMap((node) =>
    ts.isModuleDeclaration(node) && node.name.text === name && node.body ? [node.body] : [],
  );
}

function interfacesOf(scope: ts.Node, name: string | undefined): ts.InterfaceDeclaration[] {
  return childrenOf(scope)
    .filter(ts.isInterfaceDeclaration)
    .filter((node) => node.name.text === name);
}

function childrenOf(scope: ts.Node): ts.Node[] {
  const children: ts.Node[] = [];
  ts.forEachChild(scope, (node) => void children.push(node));
  return children;
}
