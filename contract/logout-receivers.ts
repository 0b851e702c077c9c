import { isIPv6 } from 'node:net'

/** A host to which servers may send logout tokens: a name or an address, and its port. */
export interface LogoutReceiver {
  host: string
  port: number
}

/** Whether the receiver is the host and port of the URI. Both are compared as a browser would write them. */
export function isReceiverOf(uri: string, { host, port }: LogoutReceiver): boolean {
  const own = URL.parse(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`)
  const asked = URL.parse(uri)
  return own !== null && asked?.protocol === 'https:' && asked.host === own.host
}
