import type { SchemaObject } from 'ajv';
import ts from 'typescript';
import { declarationsOf, declaredProperty } from './declarations.ts';

/**
 * The JSON schema of a property's values, made out of stripe-node's declarations: hashes with exactly their keys,
 * texts with exactly their values, though stripe-node leaves room for later ones.
 *
 * @param path as `declaredProperty` takes it
 * @throws Error when stripe-node declares no such property
 */
export function declaredSchema(path: string): SchemaObject {
  const property = declaredProperty(path);
  if (!property) throw new Error(`stripe-node does not declare ${path}`);
  return schemaOf(property.type, property.scopes);
}

function schemaOf(type: ts.TypeNode, scopes: readonly ts.Node[]): SchemaObject {
  if (ts.isUnionTypeNode(type)) {
    const branches = type.types.filter((branch) => branch.getText() !== 'OtherString');
    return { anyOf: branches.map((branch) => schemaOf(branch, scopes)) };
  }
  if (ts.isLiteralTypeNode(type)) return literalSchema(type.literal);
  if (ts.isArrayTypeNode(type)) return { type: 'array', items: schemaOf(type.elementType, scopes) };
  if (ts.isTypeReferenceNode(type)) return referenceSchema(type, scopes);
  const keyword = type.getText();
  return ['string', 'number', 'boolean'].includes(keyword) ? { type: keyword } : {};
}

function literalSchema(literal: ts.LiteralTypeNode['literal']): SchemaObject {
  if (ts.isStringLiteral(literal)) return { const: literal.text };
  return literal.getText() === 'null' ? { type: 'null' } : { const: literal.getText() === 'true' };
}

/** What another file declares is a resource of its own; the specification tells what it looks like. */
function referenceSchema(type: ts.TypeReferenceNode, scopes: readonly ts.Node[]): SchemaObject {
  const [item] = type.typeArguments ?? [];
  const name = type.typeName.getText();
  if (name === 'Array' && item) return { type: 'array', items: schemaOf(item, scopes) };
  const [found] = declarationsOf(name.split('.'), scopes);
  if (!found) return {};
  const { declaration } = found;
  if (ts.isTypeAliasDeclaration(declaration)) return schemaOf(declaration.type, found.scopes);
  const members = declaration.members.filter(ts.isPropertySignature);
  return {
    type: 'object',
    properties: Object.fromEntries(
      members.map((member) => [
        member.name.getText(),
        member.type ? schemaOf(member.type, found.scopes) : {},
      ]),
    ),
    required: members.filter(({ questionToken }) => !questionToken).map((member) => member.name.getText()),
    additionalProperties: false,
  };
}
