import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import { PasskeyRefused } from './refused.ts'

/** What a browser says about a ceremony. WebAuthn level 3 section 5.8.1. */
const ClientData = Type.Object({
  type: Type.String(),
  challenge: Type.String(),
  origin: Type.String(),
  crossOrigin: Type.Optional(Type.Boolean()),
})

type ClientData = Static<typeof ClientData>

/**
 * Checks what the library does not, or not with an answer of its own.
 * @param text of `clientDataJSON`, in base64url
 * @returns the challenge, in base64url, which is not checked yet
 * @throws PasskeyRefused
 */
export function challengeOf(
  text: string,
  { type, origins }: { type: 'webauthn.create' | 'webauthn.get'; origins: readonly string[] },
): string {
  const clientData = parse(text)
  if (clientData === undefined) throw new PasskeyRefused('malformed')
  if (clientData.type !== type) throw new PasskeyRefused('type')
  if (!origins.includes(clientData.origin)) throw new PasskeyRefused('origin')
  if (clientData.crossOrigin === true) throw new PasskeyRefused('embedded')
  return clientData.challenge
}

function parse(text: string): ClientData | undefined {
  try {
    const json: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    return Value.Check(ClientData, json) ? json : undefined
  } catch {
    return undefined // not JSON
  }
}
