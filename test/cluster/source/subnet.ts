import { networkInterfaces } from 'node:os'

/**
 * A /24 in which no interface of this machine is, as its first three numbers, such as `198.18.7`.
 * From the range for benchmarks (RFC 2544), which no network that this machine talks to should use.
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

/** Interfaces that are down count too: those of a bridge without containers, for instance. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? [])
}
