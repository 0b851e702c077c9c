import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

/** The findings that the page explains: in backticks at the start of the rows of its tables. */
export async function explainedFindings(): Promise<{ kubeScore: string[]; checkov: string[] }> {
  const page = await readFile(resolve(import.meta.dirname, '../../../docs/security-of-pods.md'), 'utf8')
  const rows = page.split('\n').flatMap((line) => /^\| (`.*?) \|/.exec(line)?.[1] ?? [])
  const findings = rows.flatMap((first) => [...first.matchAll(/`([^`]+)`/g)].map(([, finding = '']) => finding)).sort()
  return {
    kubeScore: findings.filter((finding) => !finding.startsWith('CKV')),
    checkov: findings.filter((finding) => finding.startsWith('CKV')),
  }
}
