import { html } from 'ghtml'
import { newPasswordFields } from '../account-access.ts'
import { textField } from '../form.ts'
import { page, withoutChoice } from '../layout.ts'
import type { MessageKey } from '../messages.ts'
import type { PageContext } from '../pages.ts'
import { type AccountView, accountForm, accountPage, currentPasswordField, type Outcome } from './layout.ts'

interface ProfileContent {
  email: string
  isEmailVerified: boolean
  /** A new email that is not confirmed yet. */
  pendingEmail: string | undefined
  /** As it is, or as it was entered. */
  name: string
  /** As it was entered. */
  newEmail: string | undefined
  /** Whether the server can send mails, which a new email needs. */
  hasMail: boolean
}

/** The page with name and email. */
export function profilePage(view: AccountView, content: ProfileContent, outcome: Outcome): string {
  const { t } = view.context
  const { problem } = outcome
  const nameField = {
    name: 'name',
    label: t('register.name'),
    autocomplete: 'name',
    maxlength: 200,
    value: content.name,
  }
  const name = accountForm(view, {
    to: 'name',
    content: textField(nameField, problem),
    label: t('profile.saveName'),
  })
  return accountPage(
    view,
    'profile',
    html`!${name}
!${emailOf(view, content, outcome)}`,
    outcome,
  )
}

function emailOf(view: AccountView, content: ProfileContent, { problem }: Outcome): string {
  const { t } = view.context
  const { email, isEmailVerified, pendingEmail, newEmail, hasMail } = content
  const heading = html`<h2>${t('login.email')}</h2>
<p><strong dir="ltr">${email}</strong> (${t(isEmailVerified ? 'profile.confirmed' : 'profile.unconfirmed')})</p>`
  if (!hasMail) return heading
  const confirm = isEmailVerified
    ? ''
    : accountForm(view, { to: 'email/verify', label: t('profile.sendLink'), plain: true })
  const pending =
    pendingEmail === undefined
      ? ''
      : html`<p>${t('profile.pending', { email: pendingEmail })}</p>
!${accountForm(view, { to: 'email/cancel', label: t('profile.cancelChange'), plain: true })}`
  const field = {
    name: 'email',
    label: t('profile.newEmail'),
    type: 'email',
    autocomplete: 'email',
    maxlength: 254,
    value: newEmail,
  } as const
  const change = accountForm(view, {
    to: 'email',
    content: html`!${textField(field, problem)}
!${textField(currentPasswordField(view), problem)}`,
    label: t('profile.changeEmail'),
  })
  return html`!${heading}
!${confirm}
!${pending}
!${change}`
}

/** The page on which the password changes. @param minLength in bytes */
export function passwordPage(view: AccountView, { minLength }: { minLength: number }, outcome: Outcome): string {
  const { context } = view
  const { problem } = outcome
  const form = accountForm(view, {
    to: 'password',
    content: html`!${textField(currentPasswordField(view), problem)}
!${newPasswordFields(context, minLength, problem)}`,
    label: context.t('reset.submit'),
  })
  return accountPage(view, 'password', form, outcome)
}

/** The page on which users delete their account. */
export function deletePage(view: AccountView, outcome: Outcome): string {
  const { t } = view.context
  const form = accountForm(view, {
    to: 'delete',
    content: textField(currentPasswordField(view), outcome.problem),
    label: t('delete.submit'),
  })
  return accountPage(
    view,
    'delete',
    html`<p class="warning">${t('delete.warning')}</p>
!${form}`,
    outcome,
  )
}

/** The page after a change that has ended all sessions. @param content.next where the user logs in again; undefined: nowhere */
export function loggedOutEverywherePage(
  context: PageContext,
  { title, text, next }: { title: MessageKey; text: MessageKey; next: string | undefined },
): string {
  const { t } = context
  const link = next === undefined ? '' : html`<a class="button" href="${next}">${t('login.submit')}</a>`
  return page(withoutChoice(context), {
    title: t(title),
    content: html`<p>${t(text)}</p>
!${link}`,
  })
}
