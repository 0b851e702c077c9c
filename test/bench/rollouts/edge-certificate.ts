import { X509Certificate } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { connect } from 'node:tls'
import type { EdgeAddress } from '../../../scripts/demo/edge-client.ts'

/** New connections come to any pod of the edge: so many in a row came to each of two, but for one chance in 30,000. */
const inARow = 16

/** Waits until every pod of the edge shows this certificate. @throws at the deadline */
export async function untilCertificateIs(pem: string, address: EdgeAddress, timeoutSeconds: number): Promise<void> {
  const wanted = new X509Certificate(pem).fingerprint256
  const deadline = performance.now() + timeoutSeconds * 1000
  for (let seen = 0; seen < inARow; ) {
    seen = (await fingerprintShown(address)) === wanted ? seen + 1 : 0
    if (seen > 0) continue
    if (performance.now() > deadline) throw new Error(`the edge shows its old certificate after ${timeoutSeconds} s`)
    await setTimeout(1_000)
  }
}

function fingerprintShown({ ip, port, host, ca }: EdgeAddress): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: ip, port, servername: host, ca }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
