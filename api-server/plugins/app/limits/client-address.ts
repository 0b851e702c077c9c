import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { TrustedProxies } from '../../../config/trusted-proxies.ts'

/** The secret of the proxy: the edge sets it, and replaces the value of a client. */
const proxySecretHeader = 'x-proxy-secret'

/** Headers in which proxies describe a request and its client. Only `x-forwarded-for` of a trusted proxy is kept. */
const aboutTheClient = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'] as const

/**
 * Normalizes what a trusted proxy reports about a client: X-Forwarded-For contains the one address of the client, or is
 * removed. Fastify's `request.ip` is therefore right everywhere. A client that bypasses the proxies cannot choose its
 * address, and a value that is not an address counts as that of the connection.
 *
 * @returns a function to call with each request before anything reads its headers
 */
export function trustForwardedFrom({ hops, networks, secret }: TrustedProxies): (request: IncomingMessage) => void {
  const isProxy = networks.length === 0 ? () => true : inOneOf(networks)
  const isSecret = secret === undefined ? () => true : equalTo(secret)
  return ({ headers, socket }) => {
    const forwarded = headers['x-forwarded-for']
    const given = headers[proxySecretHeader]
    if (given !== undefined) delete headers[proxySecretHeader]
    const isTrusted = hops > 0 && isSecret(given) && isProxy(socket.remoteAddress)
    if (!isTrusted) {
      for (const name of aboutTheClient) if (headers[name] !== undefined) delete headers[name]
    }
    if (!isTrusted || forwarded === undefined) return
    const address = entryOf(String(forwarded), hops)
    if (address === undefined) delete headers['x-forwarded-for']
    else headers['x-forwarded-for'] = address
  }
}

/** The entry of the outermost trusted proxy: the first one if there are fewer than `hops`. */
function entryOf(forwarded: string, hops: number): string | undefined {
  const entries = forwarded.split(',')
  return parseAddress(entries[Math.max(0, entries.length - hops)] ?? '')
}

/**
 * The address in an entry of X-Forwarded-For: `203.0.113.9`, `203.0.113.9:40000`, `2001:db8::1`, `[2001:db8::1]:443`.
 * Without a zone, which the client chooses. @returns undefined for anything else
 */
export function parseAddress(entry: string): string | undefined {
  const text = entry.trim()
  // The longest address with brackets, zone and port. A longer text is not an address and is not parsed.
  if (text.length > 80) return undefined
  const inBrackets = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1]
  const withPort = /^([\d.]+):\d{1,5}$/.exec(text)?.[1]
  const address = (inBrackets ?? withPort ?? text).split('%', 1)[0] ?? ''
  const kind = isIP(address)
  return kind === 0 || (inBrackets !== undefined && kind === 4) ? undefined : address.toLowerCase()
}

function inOneOf(networks: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const isV6 = isIP(address) === 6
    list.addSubnet(address, bits === undefined ? (isV6 ? 128 : 32) : Number(bits), isV6 ? 'ipv6' : 'ipv4')
  }
  return (address = '') => {
    const kind = isIP(address)
    // An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) also matches IPv4 networks.
    return kind !== 0 && list.check(address, kind === 6 ? 'ipv6' : 'ipv4')
  }
}

/** Takes the same time for every wrong secret of this length. */
function equalTo(secret: string): (given: string | string[] | undefined) => boolean {
  const expected = Buffer.from(secret)
  return (given) => {
    const bytes = Buffer.from(typeof given === 'string' ? given : '')
    return bytes.length === expected.length && timingSafeEqual(bytes, expected)
  }
}
