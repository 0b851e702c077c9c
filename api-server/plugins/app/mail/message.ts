/** A mail by what it is about. `link` is the whole URL, with the token in it. */
export type Message =
  | { kind: 'reset_password'; to: string; link: string; minutes: number }
  | { kind: 'verify_email'; to: string; link: string }
  | { kind: 'confirm_new_email'; to: string; link: string }
  | { kind: 'already_registered'; to: string }
  | { kind: 'password_changed'; to: string }
  | { kind: 'email_changed'; to: string }

/** What a message says. Plain text: nothing in it is markup, whatever a user is called. */
export function textOf(message: Message): { subject: string; text: string } {
  switch (message.kind) {
    case 'reset_password':
      return {
        subject: 'Choose a new password',
        text: `Somebody asked for a new password for this email. To choose it, open this link within ${message.minutes} minutes:

${message.link}

It works once. If it was not you, ignore this mail: nothing has changed.
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
    case 'confirm_new_email':
      return {
        subject: 'Confirm your new email',
        text: `To use this email for your account from now on, open this link:

${message.link}

You will be logged out everywhere. If it was not you, ignore this mail: nothing has changed.
`,
      }
    case 'already_registered':
      return {
        subject: 'You have an account already',
        text: `Somebody tried to register with this email, which has an account already. If it was you, log in, or ask for a new password. If not, ignore this mail: nothing has changed.
`,
      }
    case 'password_changed':
      return {
        subject: 'Your password was changed',
        text: `The password of your account was changed, and every session has ended. If it was not you, ask for a new password at once.
`,
      }
    case 'email_changed':
      return {
        subject: 'The email of your account was changed',
        text: `Your account has another email from now on: this one is not used any more. If it was not you, turn to whoever runs the service.
`,
      }
  }
}
