import { forge, headerOf, makeKey, type OwnKey } from './forged-token.ts'

/** A known attack on JSON Web Tokens, from RFC 8725 or an advisory. */
export type Attack = [what: string, token: () => string | Promise<string>]

const day = 86_400_000
export const longAgo = new Date(Date.now() - 30 * day)

/** The key set of the server under attack. The ES256 key signs. */
export const keys = {
  hs: makeKey('HS256', longAgo),
  ed: makeKey('EdDSA', longAgo),
  es: makeKey('ES256', new Date(Date.now() - day)),
  retired: makeKey('ES256', longAgo, new Date(Date.now() - 1_000)),
}

/** A token of a login and its claims. */
export const material: { token: string; claims: Record<string, unknown> } = { token: '', claims: {} }

/** A valid token except for the given changes. */
export function good(key: OwnKey, change: Record<string, unknown> = {}): string {
  return forge(headerOf(key), { ...material.claims, ...change }, key.sign)
}

export const secondsNow = () => Math.floor(Date.now() / 1000)
