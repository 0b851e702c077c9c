import { isIPv6 } from 'node:net'

/**
 * The part of an address that identifies one client: an IPv4 address, or the first 64 bits of an IPv6 address, because
 * a subscriber can choose the rest. RFC 4291 section 2.5.4, RFC 6177.
 */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  return isIPv6(address) ? prefixOf(address, 4) : address
}

/** A network that shares a limit of `weight` times that of one client. */
export interface Network {
  key: string
  weight: number
}

/**
 * The networks in which an address counts. An IPv6 subscriber may have a /56 or a /48 (RFC 6177), and so up to 65,536
 * /64 networks. These networks count too, with higher limits, because a provider may have put several subscribers into
 * one.
 */
export function networksOf(address: string): [Network, ...Network[]] {
  const one = { key: addressKey(address), weight: 1 }
  if (!one.key.endsWith('::/64')) return [one]
  return [one, { key: prefixOf(address, 3.5), weight: 2 }, { key: prefixOf(address, 3), weight: 8 }]
}

/** @param wanted groups of 16 bits: 4, 3.5 or 3 */
function prefixOf(address: string, wanted: 4 | 3.5 | 3): string {
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::')
  const start = head === '' ? [] : head.split(':')
  const end = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - start.length - end.length
  const groups = [...start, ...Array.from({ length: zeros }, () => '0'), ...end]
  const network = groups.slice(0, Math.ceil(wanted)).map((group) => Number.parseInt(group, 16))
  if (wanted === 3.5) network[3] = (network[3] ?? 0) & 0xff00
  return `${network.map((group) => group.toString(16)).join(':')}::/${wanted * 16}`
}
