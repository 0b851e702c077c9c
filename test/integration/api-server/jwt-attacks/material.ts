import { forge, headerOf, makeKey, type OwnKey } from './forged-token.ts'

/** One of the known attacks on JSON Web Tokens: RFC 8725, and the advisories of the libraries. */
export type Attack = [what: string, token: () => string | Promise<string>]

const day = 86_400_000
export const longAgo = new Date(Date.now() - 30 * day)

/** The key set of the server under attack; the ES256 key signs. */
export const keys = {
  hs: makeKey('HS256', longAgo),
  ed: makeKey('EdDSA', longAgo),
  es: makeKey('ES256', new Date(Date.now() - day)),
  retired: makeKey('ES256', longAgo, new Date(Date.now() - 1_000)),
}

/** What a log-in gave: a token of the server, and what it says. */
export const material: { token: string; claims: Record<string, unknown> } = { token: '', claims: {} }

/** A token that is right in all but what is changed. */
export function good(key: OwnKey, change: Record<string, unknown> = {}): string {
  return forge(headerOf(key), { ...material.claims, ...change }, key.sign)
}

export const secondsNow = () => Math.floor(Date.now() / 1000)
