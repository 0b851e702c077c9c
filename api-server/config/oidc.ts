import type { EnvironmentValues } from '@authservice-operator/contract/environment.ts'

/** Where the OpenID provider reads its clients and keys. */
export interface OidcConfig {
  clientsFile: string
  /** Keys that sign ID tokens. */
  keysFile: string
}

export function oidcOf({
  OIDC_CLIENTS_FILE: clientsFile,
  OIDC_KEYS_FILE: keysFile,
}: EnvironmentValues): OidcConfig | undefined {
  return clientsFile === undefined || keysFile === undefined ? undefined : { clientsFile, keysFile }
}

export function oidcProblems({
  OIDC_CLIENTS_FILE: clientsFile,
  OIDC_KEYS_FILE: keysFile,
  JWT_ISSUER: issuer,
}: EnvironmentValues): string[] {
  if (clientsFile === undefined && keysFile === undefined) return []
  if (clientsFile === undefined || keysFile === undefined) {
    return ['OIDC_CLIENTS_FILE and OIDC_KEYS_FILE must be set together']
  }
  const url = URL.parse(issuer)
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === ''
  return isUsable && !issuer.endsWith('/')
    ? []
    : ['OIDC_CLIENTS_FILE needs a JWT_ISSUER that is a URL without a query, a fragment or a slash at its end']
}
