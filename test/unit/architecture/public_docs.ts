import { posix } from "node:path";
import ts from "typescript";
import type { SourceText } from "./import_rules.js";

/** What `door` exports (re-exports followed) and public methods of exported classes that have no docstring, by name. */
export function undocumented(door: string, files: readonly SourceText[]): string[] {
  const sources = new Map(
    files.map(({ path, text }) => [path, ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)] as const),
  );
  return exportsOf(door, sources).flatMap(({ name, declaration }) => {
    if (!declaration) return [`${name}: no declaration found`];
    const own = isDocumented(declaration) ? [] : [name];
    if (!ts.isClassDeclaration(declaration)) return own;
    const inherited = documentedByInterfaces(declaration, sources);
    return [...own, ...undocumentedMembers(name, declaration).filter((member) => !inherited.has(member))];
  });
}

/** Members of a class that have their docstrings in an interface that it implements: editors show those. */
function documentedByInterfaces(declaration: ts.ClassDeclaration, sources: Sources): Set<string> {
  const clauses = declaration.heritageClauses?.filter(({ token }) => token === ts.SyntaxKind.ImplementsKeyword) ?? [];
  const names = new Set(clauses.flatMap(({ types }) => types.map(({ expression }) => expression.getText())));
  const statements = [...sources.values()].flatMap((source) => [...source.statements]);
  const interfaces = statements.filter((one) => ts.isInterfaceDeclaration(one) && names.has(one.name.text));
  const members = interfaces.flatMap((one) => [...(one as ts.InterfaceDeclaration).members]);
  return new Set(members.filter(isDocumented).map((one) => `${declaration.name?.text}.${one.name?.getText()}`));
}

interface Export {
  name: string;
  declaration: ts.Node | undefined;
}

type Sources = ReadonlyMap<string, ts.SourceFile>;

function exportsOf(path: string, sources: Sources): Export[] {
  const source = sources.get(path);
  if (!source) return [{ name: path, declaration: undefined }];
  return source.statements.flatMap((statement): Export[] => {
    if (ts.isExportDeclaration(statement)) return reExports(statement, path, sources);
    const isExported = ts.canHaveModifiers(statement)
      ? ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)
      : false;
    return isExported ? declared(statement) : [];
  });
}

function reExports(statement: ts.ExportDeclaration, path: string, sources: Sources): Export[] {
  const specifier = statement.moduleSpecifier;
  const target = specifier && ts.isStringLiteral(specifier) ? follow(path, specifier.text) : path;
  const all = target === path ? declaredIn(sources.get(path)) : exportsOf(target, sources);
  if (!statement.exportClause) return all;
  if (!ts.isNamedExports(statement.exportClause)) return [{ name: target, declaration: statement }];
  return statement.exportClause.elements.map((element) => {
    const original = (element.propertyName ?? element.name).text;
    return { name: element.name.text, declaration: all.find(({ name }) => name === original)?.declaration };
  });
}

function follow(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts");
}

function declaredIn(source: ts.SourceFile | undefined): Export[] {
  return source?.statements.flatMap((statement) => declared(statement)) ?? [];
}

function declared(statement: ts.Statement): Export[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => ({ name: name.getText(), declaration: statement }));
  }
  const name = (statement as ts.Statement & { name?: ts.Identifier }).name;
  return name ? [{ name: name.text, declaration: statement }] : [];
}

function undocumentedMembers(className: string, declaration: ts.ClassDeclaration): string[] {
  return declaration.members
    .filter((member) => isPublicMethod(member) && !isBehindOverloads(member) && !isDocumented(member))
    .map((member) => `${className}.${member.name?.getText() ?? "constructor"}`);
}

/** Methods, accessors and constructors with parameters; not what is `#private` or `private`. */
function isPublicMethod(member: ts.ClassElement): boolean {
  if (member.name && ts.isPrivateIdentifier(member.name)) return false;
  const hidden = ts.SyntaxKind.PrivateKeyword;
  if (ts.canHaveModifiers(member) && ts.getModifiers(member)?.some(({ kind }) => kind === hidden)) return false;
  if (ts.isConstructorDeclaration(member)) return member.parameters.length > 0;
  return ts.isMethodDeclaration(member) || ts.isAccessor(member);
}

/** Readers see the overloads' comments, never the implementation's. */
function isBehindOverloads(member: ts.ClassElement): boolean {
  if (!ts.isMethodDeclaration(member) || !member.body) return false;
  const same = (other: ts.ClassElement) => other.name?.getText() === member.name.getText();
  return (member.parent as ts.ClassDeclaration).members.some(
    (other) => ts.isMethodDeclaration(other) && !other.body && same(other),
  );
}

function isDocumented(node: ts.Node): boolean {
  return ts.getJSDocCommentsAndTags(node).some((doc) => ts.isJSDoc(doc) && hasText(doc));
}

function hasText(doc: ts.JSDoc): boolean {
  return (ts.getTextOfJSDocComment(doc.comment) ?? "").trim() !== "";
}
