import Value from 'typebox/value'
import { PasskeyRefused } from '../../plugins/app/passkeys/refused.ts'
import type { NewCredential, UsedCredential } from '../../plugins/external/webauthn.ts'
import { PasskeyConfirmation, PasskeyUse } from '../../schemas/passkeys.ts'
import { textOf } from './forms.ts'

/** The passkey that the script has put into a form, as the API accepts it. @throws PasskeyRefused */
export function usedCredentialIn(body: unknown): UsedCredential {
  const credential = parsed(body)
  if (Value.Check(PasskeyUse.properties.credential, credential)) return credential
  throw new PasskeyRefused('malformed')
}

/** The same for a new passkey. @throws PasskeyRefused */
export function newCredentialIn(body: unknown): NewCredential {
  const credential = parsed(body)
  if (Value.Check(PasskeyConfirmation.properties.credential, credential)) return credential
  throw new PasskeyRefused('malformed')
}

function parsed(body: unknown): unknown {
  try {
    return JSON.parse(textOf(body, 'credential') ?? '')
  } catch {
    return undefined // the form came without its script
  }
}
