import { X509Certificate } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { connect } from 'node:tls'
import type { EdgeAddress } from '../../tools/cluster-client/edge-client.ts'

/** A new connection reaches a random pod of the edge: 16 in a row all miss one of two pods once in 30,000 times. */
const inARow = 16

/** Waits until every pod of the edge serves the certificate. @throws at the deadline */
export async function waitForCertificate(pem: string, address: EdgeAddress, timeoutSeconds: number): Promise<void> {
  const wanted = new X509Certificate(pem).fingerprint256
  const deadline = performance.now() + timeoutSeconds * 1000
  for (let seen = 0; seen < inARow; ) {
    seen = (await servedFingerprint(address)) === wanted ? seen + 1 : 0
    if (seen > 0) continue
    if (performance.now() > deadline)
      throw new Error(`the edge still serves its old certificate after ${timeoutSeconds} s`)
    await setTimeout(1_000)
  }
}

function servedFingerprint({ ip, port, host, ca }: EdgeAddress): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: ip, port, servername: host, ca }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
