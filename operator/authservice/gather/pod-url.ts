/** The URL of a page of a pod. An IPv6 address is in brackets, RFC 3986 section 3.2.2. */
export function podUrl(address: string, port: number, path: string): string {
  const host = address.includes(':') ? `[${address}]` : address
  return `http://${host}:${port}${path}`
}
