import { chromium, type Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { chromiumPath } from '../../tools/local-servers/binaries.ts'
import { password, startApp } from '../integration/api-server/app-for-test.ts'

test('a new user registers, logs in, authorizes and calls the API at /docs, and the page loads completely', async () => {
  const server = await startApp()
  const browser = await chromium.launch({
    executablePath: await chromiumPath(),
    // Chromium has no sandbox where tests run as root, as in a container.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
  onTestFinished(async () => {
    await browser.close()
    await server.close()
  })
  const page = await browser.newPage()
  const faults: string[] = []
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('requestfailed', (request) => faults.push(`${request.url()}: ${request.failure()?.errorText}`))

  await page.goto(`${await server.app.listen({ host: '127.0.0.1', port: 0 })}/docs`)
  const user = { email: 'new@example.com', password, name: 'New User' }
  expect(await tryOut(page, 'register', user)).toMatchObject({ status: 201, body: { email: user.email } })
  const login = await tryOut(page, 'logIn', { email: user.email, password })
  expect(login).toMatchObject({ status: 200, body: { token_type: 'Bearer' } })

  await page.getByRole('button', { name: 'Authorize' }).first().click()
  const bearer = page.locator('.auth-container', { hasText: 'bearer' })
  await bearer.getByRole('textbox').fill(String(login.body['access_token']))
  await bearer.locator('button[type=submit]').click()
  await page.locator('.auth-container', { hasText: 'bearer' }).getByRole('button', { name: 'Close' }).click()
  expect(await tryOut(page, 'getMe')).toMatchObject({ status: 200, body: { email: user.email, name: user.name } })
  expect(faults).toEqual([])
})

/** Opens an operation, sends it, and returns the response that the page shows. */
async function tryOut(page: Page, operationId: string, json?: unknown) {
  const operation = page.locator(`.opblock[id$="-${operationId}"]`)
  await operation.locator('.opblock-summary-control').click()
  await operation.getByRole('button', { name: 'Try it out' }).click()
  if (json !== undefined) await operation.locator('textarea.body-param__text').fill(JSON.stringify(json))
  await operation.getByRole('button', { name: 'Execute' }).click()
  const answer = operation.locator('.live-responses-table tbody .response')
  const status = Number(await answer.locator('.response-col_status').innerText())
  const body: Record<string, unknown> = JSON.parse(await answer.locator('.highlight-code code').first().innerText())
  return { status, body }
}
