/** Microsoft's scope for "all that was granted to the application itself": then nobody logs in. As the server sees it. */
export function isApplicationLogin(scopes: string | null): boolean {
  return (scopes ?? '').split(/\s+/).some((scope) => scope.endsWith('/.default'));
}
