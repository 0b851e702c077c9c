import { lookup as lookUp } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** Networks that no receiver of logout tokens is in, with the addresses of cloud providers that give credentials to pods. */
const networks: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8], // this machine
  ['169.254.0.0', 16], // link-local, with the metadata of most clouds
  ['100.100.100.200', 32], // metadata of Alibaba Cloud
  ['168.63.129.16', 32], // platform of Azure
  ['192.0.0.192', 32], // metadata of Oracle Cloud
  ['224.0.0.0', 3], // multicast, reserved and broadcast
  ['::', 128],
  ['fe80::', 10], // link-local
  ['fd00:ec2::', 32], // metadata of AWS
  ['fd20:ce::254', 128], // metadata of Google Cloud
  ['ff00::', 8], // multicast
  ['64:ff9b::a9fe:0', 112], // link-local IPv4 behind NAT64
]
const loopback: readonly (readonly [network: string, prefix: number])[] = [
  ['127.0.0.0', 8],
  ['::1', 128],
  ['64:ff9b::7f00:0', 104],
]

const never = listOf(networks)
const neverUnlessTrusted = listOf([...networks, ...loopback])

function listOf(all: typeof networks): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of all) list.addSubnet(network, prefix, isIP(network) === 6 ? 'ipv6' : 'ipv4')
  return list
}

/** The host of a URI has an address to which no request may go. Its message names the host and no address. */
export class RefusedAddressError extends Error {
  override name = 'RefusedAddressError'
  constructor(host: string) {
    super(`${host} has an address to which no logout token may be sent`)
  }
}

/** Whether no request may go to the address. @param allowsLoopback whether the author of the URI is trusted with it */
export function isRefusedAddress(address: string, allowsLoopback: boolean): boolean {
  const [plain = ''] = address.split('%') // without the zone of a link-local address
  const family = isIP(plain)
  if (family === 0) return true
  return (allowsLoopback ? never : neverUnlessTrusted).check(plain, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * A `lookup` for requests, which refuses a name with a refused address. It is called for the connection itself, so that
 * the name cannot lead elsewhere afterwards. Node does not call it for a host that is an address: check that one before.
 *
 * @param resolve the lookup of the system
 */
export function checkedLookup(allowsLoopback: boolean, resolve: LookupFunction = lookUp): LookupFunction {
  return (host, options, done) =>
    resolve(host, options, (error, found, family) => {
      if (error !== null) return done(error, found, family)
      const addresses = typeof found === 'string' ? [found] : found.map(({ address }) => address)
      if (addresses.some((address) => isRefusedAddress(address, allowsLoopback))) {
        return done(new RefusedAddressError(host), [])
      }
      done(null, found, family)
    })
}
