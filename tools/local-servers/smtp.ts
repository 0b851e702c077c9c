import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'

/** A mail that the server has accepted. */
export interface ReceivedMail {
  to: string[]
  from: string
  subject: string
  text: string
  /** As they were sent: encoded, with their names. */
  headerLines: readonly string[]
}

/** An SMTP server for one test, with one user and password. */
export interface TestSmtp {
  /** Contains the user and the password. */
  url: string
  port: number
  user: string
  password: string
  mails: ReceivedMail[]
  /** Rejects the next mails with this status. */
  refuse(count: number, status: number): void
  stop(): Promise<void>
}

const user = 'mailer'
const password = 'a password of SMTP'

/** Plain text, plain text with STARTTLS, or TLS from the first byte. */
export type SmtpEncryption = { kind: 'None' } | { kind: 'StartTLS' | 'TLS'; key: string; cert: string }

export async function startSmtp(encryption: SmtpEncryption = { kind: 'None' }): Promise<TestSmtp> {
  const mails: ReceivedMail[] = []
  let refusals = { count: 0, status: 0 }
  const server = new SMTPServer({
    ...(encryption.kind === 'None'
      ? // On 127.0.0.1, without a certificate.
        { disabledCommands: ['STARTTLS'], allowInsecureAuth: true }
      : { secure: encryption.kind === 'TLS', key: encryption.key, cert: encryption.cert }),
    onAuth: ({ username, password: given }, _session, done) =>
      username === user && given === password
        ? done(null, { user })
        : done(new Error('the user or the password is wrong')),
    onData(stream, session, done) {
      simpleParser(stream).then(
        ({ subject = '', text = '', from, headerLines }) => {
          if (refusals.count > 0) {
            refusals.count--
            done(Object.assign(new Error('not now'), { responseCode: refusals.status }))
            return
          }
          const to = session.envelope.rcptTo.map(({ address }) => address)
          mails.push({ to, from: from?.text ?? '', subject, text, headerLines: headerLines.map(({ line }) => line) })
          done()
        },
        (error) => done(error),
      )
    },
  })
  // A client that does not trust the certificate closes the connection and reports the error.
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  // A TCP server has an address with a port.
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`,
    port,
    user,
    password,
    mails,
    refuse(count, status) {
      refusals = { count, status }
    },
    stop: () => new Promise((stopped) => server.close(() => stopped())),
  }
}
