import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** A property as stripe-node declares it. */
export interface DeclaredProperty {
  readonly isOptional: boolean;
  readonly type: ts.TypeNode;
  /** Where the names in its type are looked up: its own namespace first, the file last. */
  readonly scopes: readonly ts.Node[];
}

type Declaration = ts.InterfaceDeclaration | ts.TypeAliasDeclaration;

const parsed = new Map<string, ts.SourceFile>();

/**
 * Looks a property up in stripe-node's declarations.
 *
 * @param path file, then interface, by the namespaces it stands in, then property:
 * `Prices/Price.Recurring.trial_period_days`, `BillingPortal/Sessions/Session.Flow.type`
 * @returns undefined when stripe-node declares no such thing
 * @throws Error when there is no such file
 */
export function declaredProperty(path: string): DeclaredProperty | undefined {
  const cut = path.lastIndexOf('/');
  const names = path.slice(cut + 1).split('.');
  const property = names.pop();
  for (const { declaration, scopes } of declarationsOf(names, [sourceFile(path.slice(0, cut))])) {
    if (!ts.isInterfaceDeclaration(declaration)) continue;
    for (const member of declaration.members.filter(ts.isPropertySignature)) {
      if (member.name.getText() !== property || !member.type) continue;
      return { isOptional: member.questionToken !== undefined, type: member.type, scopes };
    }
  }
  return undefined;
}

/** What a dotted name stands for where it is written: the nearest scope that knows it decides. */
export function declarationsOf(
  names: readonly string[],
  scopes: readonly ts.Node[],
): { declaration: Declaration; scopes: readonly ts.Node[] }[] {
  const last = names.at(-1);
  for (const [index, scope] of scopes.entries()) {
    let found: (readonly ts.Node[])[] = [[scope, ...scopes.slice(index + 1)]];
    for (const name of names.slice(0, -1)) {
      found = found.flatMap(([inner, ...outer]) =>
        inner ? namespacesOf(inner, name).map((body) => [body, inner, ...outer]) : [],
      );
    }
    const declarations = found.flatMap(([inner, ...outer]) =>
      inner ? named(inner, last).map((declaration) => ({ declaration, scopes: [inner, ...outer] })) : [],
    );
    if (declarations.length > 0) return declarations;
  }
  return [];
}

function sourceFile(name: string): ts.SourceFile {
  const known = parsed.get(name);
  if (known) return known;
  const path = fileURLToPath(new URL(`resources/${name}.d.ts`, import.meta.resolve('stripe')));
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ESNext, true);
  parsed.set(name, file);
  return file;
}

function namespacesOf(scope: ts.Node, name: string): ts.Node[] {
  return childrenOf(scope).flatMap((node) =>
    ts.isModuleDeclaration(node) && node.name.text === name && node.body ? [node.body] : [],
  );
}

function named(scope: ts.Node, name: string | undefined): Declaration[] {
  return childrenOf(scope).filter(
    (node): node is Declaration =>
      (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) && node.name.text === name,
  );
}

function childrenOf(scope: ts.Node): ts.Node[] {
  const children: ts.Node[] = [];
  ts.forEachChild(scope, (node) => void children.push(node));
  return children;
}
