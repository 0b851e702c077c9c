import type { EnvironmentValues } from '@authservice-operator/contract/environment.ts'

/** Where the OpenID provider reads its clients and keys. */
export interface OidcConfig {
  clientsFile: string
  /** Keys that sign ID tokens. */
  keysFile: string
  /** Brand and texts of the pages; undefined: the plain pages. */
  pagesFile: string | undefined
}

export function oidcOf({
  OIDC_CLIENTS_FILE: clientsFile,
  OIDC_KEYS_FILE: keysFile,
  PAGES_FILE: pagesFile,
}: EnvironmentValues): OidcConfig | undefined {
  return clientsFile === undefined || keysFile === undefined ? undefined : { clientsFile, keysFile, pagesFile }
}

export function oidcProblems({
  OIDC_CLIENTS_FILE: clientsFile,
  OIDC_KEYS_FILE: keysFile,
  PAGES_FILE: pagesFile,
  IDENTITY_PROVIDERS_FILE: identityProvidersFile,
  JWT_ISSUER: issuer,
}: EnvironmentValues): string[] {
  if (clientsFile === undefined && keysFile === undefined) {
    return [
      ...(pagesFile === undefined ? [] : ['PAGES_FILE needs OIDC_CLIENTS_FILE: without it, the server has no pages']),
      ...(identityProvidersFile === undefined
        ? []
        : ['IDENTITY_PROVIDERS_FILE needs OIDC_CLIENTS_FILE and OIDC_KEYS_FILE: users choose a provider on the pages']),
    ]
  }
  if (clientsFile === undefined || keysFile === undefined) {
    return ['OIDC_CLIENTS_FILE and OIDC_KEYS_FILE must be set together']
  }
  const url = URL.parse(issuer)
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === ''
  return isUsable && !issuer.endsWith('/')
    ? []
    : ['OIDC_CLIENTS_FILE needs a JWT_ISSUER that is a URL without a query, a fragment or a slash at its end']
}
