import type { LocalTexts } from '../../../pages/pages.ts'
import { durationOf } from '../../../pages/problem-message.ts'

/** A mail by its purpose. `link` is the complete URL, including the token, and `seconds` the time for which it is valid. */
export type Message =
  | { kind: 'reset_password'; to: string; link: string; seconds: number }
  | { kind: 'password_taken_away'; to: string; link: string; seconds: number }
  | { kind: 'verify_email'; to: string; link: string }
  | { kind: 'complete_registration'; to: string; link: string }
  | { kind: 'confirm_new_email'; to: string; link: string }
  | { kind: 'email_change_requested'; to: string }
  | { kind: 'already_registered'; to: string }
  | { kind: 'password_changed'; to: string }
  | { kind: 'email_changed'; to: string }
  | { kind: 'identity_linked'; to: string }
  | { kind: 'identity_unlinked'; to: string }
  | { kind: 'second_factor_added'; to: string }
  | { kind: 'second_factor_removed'; to: string }
  | { kind: 'second_factors_reset'; to: string }
  | { kind: 'second_factor_guessed'; to: string }
  | { kind: 'passkey_copied'; to: string }
  | { kind: 'recovery_codes_renewed'; to: string }
  | { kind: 'recovery_code_used'; to: string; left: number }

/** A mail as it is sent. It is plain text, so nothing in it can be markup. */
interface WrittenMail {
  subject: string
  text: string
  /** RFC 3282. */
  headers: { 'Content-Language': string }
}

/** Writes a mail in a language, with the texts of the pages. */
export function writeMail(message: Message, texts: LocalTexts): WrittenMail {
  const { t, language, brand } = texts
  const subject = t(`mailSubject.${message.kind}`)
  const paragraphs = [...paragraphsOf(message, texts), brand.name ?? '']
  return {
    subject: brand.name === undefined ? subject : `${subject} – ${brand.name}`,
    text: `${paragraphs.filter(Boolean).join('\n\n')}\n`,
    headers: { 'Content-Language': language },
  }
}

function paragraphsOf(message: Message, { t, language }: LocalTexts): string[] {
  const values = {
    ...('seconds' in message && { time: durationOf(message.seconds, language) }),
    ...('left' in message && { count: String(message.left) }),
  }
  const text = t(`mailText.${message.kind}`, values)
  // A paragraph of its own: in a sentence, marks of the direction of writing would become part of the link.
  return 'link' in message ? [text, message.link, t(`mailNote.${message.kind}`)] : [text]
}
