/** Whether the driver encrypts the connection. `mongodb+srv://` implies TLS unless an option disables it. */
export function isEncrypted(url: string): boolean {
  return /[?&](tls|ssl)=true\b/.test(url) || (url.startsWith('mongodb+srv://') && !/[?&](tls|ssl)=false\b/.test(url))
}
