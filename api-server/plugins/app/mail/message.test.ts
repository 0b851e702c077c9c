import { expect, test } from 'vitest'
import { pageLanguages, placeholder } from '../../../../contract/pages-file.ts'
import { brandOf } from '../../../pages/brand.ts'
import { languages, translator } from '../../../pages/messages.ts'
import { type Message, writeMail } from './message.ts'

const link = 'https://auth.example.com/account/reset-password?token=a-b_c'
const withLink = { to: 'user@example.com', link }
const to = withLink.to
/** One of each kind: a kind that is missing is an error of the type check. */
const all: { [Kind in Message['kind']]: Extract<Message, { kind: Kind }> } = {
  reset_password: { kind: 'reset_password', ...withLink, seconds: 1_800 },
  password_taken_away: { kind: 'password_taken_away', ...withLink, seconds: 7_200 },
  verify_email: { kind: 'verify_email', ...withLink },
  complete_registration: { kind: 'complete_registration', ...withLink },
  confirm_new_email: { kind: 'confirm_new_email', ...withLink },
  email_change_requested: { kind: 'email_change_requested', to },
  already_registered: { kind: 'already_registered', to },
  password_changed: { kind: 'password_changed', to },
  email_changed: { kind: 'email_changed', to },
  identity_linked: { kind: 'identity_linked', to },
  identity_unlinked: { kind: 'identity_unlinked', to },
  second_factor_added: { kind: 'second_factor_added', to },
  second_factor_removed: { kind: 'second_factor_removed', to },
  second_factors_reset: { kind: 'second_factors_reset', to },
  second_factor_guessed: { kind: 'second_factor_guessed', to },
  passkey_copied: { kind: 'passkey_copied', to },
  recovery_codes_renewed: { kind: 'recovery_codes_renewed', to },
  recovery_code_used: { kind: 'recovery_code_used', to, left: 7 },
}

test.each(pageLanguages)(
  'every mail in %s is whole, its link is a line of its own, and its lines are read in the right direction',
  (language) => {
    const texts = { language, t: translator(language), brand: brandOf({}) }
    for (const message of Object.values(all)) {
      const { subject, text, headers } = writeMail(message, texts)
      const [first = '', ...others] = text.trimEnd().split('\n\n')
      expect(headers, message.kind).toEqual({ 'Content-Language': language })
      expect(`${subject}${text}`.match(placeholder), message.kind).toBeNull()
      expect(others[0], message.kind).toBe('link' in message ? link : undefined)
      expect(others, message.kind).toHaveLength('link' in message ? 2 : 0)
      // Mail programs take the direction of plain text from its first letter.
      const letters = [subject, first, others[1] ?? first].map((line) => /\p{Letter}/u.exec(line)?.[0] ?? '')
      const isRightToLeft = letters.map((letter) => /\p{Script=Arabic}/u.test(letter))
      expect(new Set(isRightToLeft), message.kind).toEqual(new Set([languages[language].direction === 'rtl']))
    }
  },
)

test('times and counts are in the language of the mail', () => {
  const inLanguage = (language: 'de' | 'ja') => ({ language, t: translator(language), brand: brandOf({}) })
  expect(writeMail(all.reset_password, inLanguage('de')).text).toMatch(/innerhalb von 30\sMinuten/)
  expect(writeMail(all.password_taken_away, inLanguage('ja')).text).toMatch(/2\s時間以内/)
  expect(writeMail(all.recovery_code_used, inLanguage('de')).text).toContain('Verbleibende Codes: 7.')
})

test('a mail names the service, and texts of its operators replace those of the language', () => {
  const brand = brandOf({ name: 'Acme', texts: { en: { 'mailSubject.verify_email': 'Welcome' } } })
  const { subject, text } = writeMail(all.verify_email, { language: 'en', t: translator('en', brand.texts.en), brand })
  expect(subject).toBe('Welcome – Acme')
  expect(text).toMatch(/ignore this mail\.\n\nAcme\n$/)
})
