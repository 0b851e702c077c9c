import { html } from 'ghtml'
import { hiddenField } from '../form.ts'
import { type AccountView, accountForm, accountPage, dateOf, type Outcome } from './layout.ts'

/** A session, as its user sees it. */
interface ShownSession {
  id: string
  /** The application; undefined: a login at the API or on the pages of this server. */
  clientName: string | undefined
  /** The browser, as it calls itself. */
  device: string | undefined
  address: string | undefined
  createdAt: Date
  lastUsedAt: Date
  /** Whether it is the login of this browser. */
  isCurrent: boolean
}

/** The page with the sessions. */
export function sessionsPage(view: AccountView, sessions: readonly ShownSession[], outcome: Outcome): string {
  const { t } = view.context
  const others = accountForm(view, { to: 'sessions/end-others', label: t('sessions.endOthers') })
  return accountPage(
    view,
    'sessions',
    html`<p>${t('sessions.intro')}</p>
<ul class="items">!${sessions.map((session) => itemOf(view, session))}</ul>
!${sessions.some(({ isCurrent }) => !isCurrent) ? others : ''}`,
    outcome,
  )
}

function itemOf(view: AccountView, session: ShownSession): string {
  const { t } = view.context
  const { id, clientName, device, address, createdAt, lastUsedAt, isCurrent } = session
  const name = isCurrent ? t('sessions.current') : (clientName ?? t('sessions.login'))
  const end = accountForm(view, {
    to: 'sessions/end',
    content: hiddenField('id', id),
    label: t('sessions.end', { name }),
    plain: true,
  })
  const from = [device, address].filter((each) => each !== undefined).join(', ')
  return html`<li><strong>${name}</strong><br>
<span dir="ltr">${from}</span><br>
${t('sessions.times', { began: dateOf(view, createdAt), used: dateOf(view, lastUsedAt) })}
!${isCurrent ? '' : end}</li>`
}
