import { isIP } from 'node:net'

/**
 * Which proxies may set the client address of a request. Every rule that is set must match; otherwise the address of
 * the connection counts.
 */
export interface TrustedProxies {
  /** Number of proxies in front of the server: they wrote this many entries at the end of X-Forwarded-For. */
  hops: number
  /** Networks in CIDR notation from which proxies connect; empty: from anywhere. */
  networks: readonly string[]
  /** The value that a proxy sends as `X-Proxy-Secret`; undefined: not required. */
  secret?: string
}

/** @returns whether a network is valid in CIDR notation: an address, a slash and its number of bits */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const most = isIP(address) === 6 ? 128 : 32
  return (
    isIP(address) !== 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most))
  )
}
