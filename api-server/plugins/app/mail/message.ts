/** A mail by its purpose. `link` is the complete URL, including the token. */
export type Message =
  | { kind: 'reset_password'; to: string; link: string; minutes: number }
  | { kind: 'password_taken_away'; to: string; link: string; minutes: number }
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

/** The text of a mail. It is plain text, so a user's name cannot contain markup. */
export function textOf(message: Message): { subject: string; text: string } {
  switch (message.kind) {
    case 'reset_password':
      return {
        subject: 'Choose a new password',
        text: `A password reset was requested for this email. To choose a new password, open this link within ${message.minutes} minutes:

${message.link}

The link works once. If you did not request this, ignore this mail: nothing has changed.
`,
      }
    case 'password_taken_away':
      return {
        subject: 'Your password was reset',
        text: `An administrator has reset the password of your account. Your old password no longer works, and all sessions have ended. To choose a new password, open this link within ${message.minutes} minutes:

${message.link}

The link works once. If it has expired, request a new password on the login page.
`,
      }
    case 'verify_email':
      return {
        subject: 'Confirm your email',
        text: `To confirm that this email is yours, open this link:

${message.link}

If you did not register, ignore this mail.
`,
      }
    case 'complete_registration':
      return {
        subject: 'Confirm your email',
        text: `This email was used to register an account. To activate the account, open this link:

${message.link}

If you did not register, do not open the link. Without it, no account is created.
`,
      }
    case 'confirm_new_email':
      return {
        subject: 'Confirm your new email',
        text: `To use this email for your account, open this link:

${message.link}

You will be logged out everywhere. If you did not request this, ignore this mail: nothing has changed.
`,
      }
    case 'email_change_requested':
      return {
        subject: 'A change of your email was requested',
        text: `A request to change the email of your account was made with your password. Nothing changes until the link in the mail to the new address is opened. If you did not request this, choose a new password at once. This cancels the request and ends all sessions.
`,
      }
    case 'already_registered':
      return {
        subject: 'You already have an account',
        text: `A registration with this email was attempted, but the email already has an account. If this was you, log in, or request a new password. Otherwise, ignore this mail: nothing has changed.
`,
      }
    case 'password_changed':
      return {
        subject: 'Your password was changed',
        text: `The password of your account was changed, and all sessions have ended. If you did not change it, request a new password at once.
`,
      }
    case 'email_changed':
      return {
        subject: 'The email of your account was changed',
        text: `Your account now uses another email, and this one is no longer used. If you did not change it, contact the operators of the service.
`,
      }
    case 'identity_linked':
      return {
        subject: 'Your account was linked to another one',
        text: `From now on, you can also log in to your account with an account of another provider. If you did not link it, request a new password at once and remove the link.
`,
      }
    case 'identity_unlinked':
      return {
        subject: 'A link of your account was removed',
        text: `An account of another provider can no longer be used to log in to your account, and all sessions have ended. If you did not remove it, request a new password at once and contact the operators of the service.
`,
      }
    case 'second_factor_added':
      return {
        subject: 'A second factor was added to your account',
        text: `A second factor was added to your account. From now on, a login needs it, and all other sessions have ended. If you did not add it, request a new password at once and contact the operators of the service.
`,
      }
    case 'second_factor_removed':
      return {
        subject: 'A second factor was removed from your account',
        text: `A second factor was removed from your account, and all sessions have ended. If you did not remove it, request a new password at once and contact the operators of the service.
`,
      }
    case 'second_factors_reset':
      return {
        subject: 'Your second factors were removed',
        text: `An administrator has removed all second factors of your account, and all sessions have ended. Log in with your password, and set up a second factor again. If you did not ask for this, contact the operators of the service at once.
`,
      }
    case 'second_factor_guessed':
      return {
        subject: 'Your password may be known to another person',
        text: `Several wrong codes of your second factor were entered for your account, and further attempts are delayed. The person who entered them knows your password or has one of your sessions. If this was not you, choose a new password at once. This ends all sessions.
`,
      }
    case 'passkey_copied':
      return {
        subject: 'One of your passkeys may have been copied',
        text: `A passkey of your account was used, but the counter of its device shows that there may be a copy of it. The use was refused. Remove this passkey from your account and add a new one. If you have not just used a passkey, also choose a new password at once.
`,
      }
    case 'recovery_codes_renewed':
      return {
        subject: 'Your recovery codes were replaced',
        text: `The recovery codes of your account were replaced. The old codes no longer work. If you did not do this, choose a new password at once and contact the operators of the service.
`,
      }
    case 'recovery_code_used':
      return {
        subject: 'A recovery code was used',
        text: `A recovery code of your account was used instead of a second factor. Codes left: ${message.left}. If you did not use it, choose a new password and replace the recovery codes at once.
`,
      }
  }
}
