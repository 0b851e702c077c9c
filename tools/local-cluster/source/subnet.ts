import { networkInterfaces } from 'node:os'

/**
 * A /24 subnet without an interface of this machine, as its first three numbers, such as `198.18.7`. From the range for
 * benchmarks (RFC 2544), which real networks do not use.
 */
export function freeSubnet(addresses: readonly string[] = ownAddresses()): string {
  for (const second of [18, 19]) {
    for (let third = 0; third < 256; third++) {
      const subnet = `198.${second}.${third}`
      if (!addresses.some((address) => address.startsWith(`${subnet}.`))) return subnet
    }
  }
  throw new Error('every network of 198.18.0.0/15 is in use on this machine')
}

/** The addresses of this machine. Interfaces that are down count, such as a bridge without containers. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? [])
}
