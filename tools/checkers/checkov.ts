import { execa } from 'execa'
import { pythonPackages } from './python-packages.ts'

/** The parts of checkov's report that tests read. */
interface Report {
  results: { failed_checks: { check_id: string; resource: string; file_path: string }[] }
  summary: { passed: number; parsing_errors: number; resource_count: number }
}

/**
 * Runs checkov on the manifests in a folder. Installs it from the Python Package Index when the cache does not have it,
 * which takes half a minute.
 */
export async function runCheckov(folder: string): Promise<Report> {
  const options = ['--framework', 'kubernetes', '--skip-download', '--quiet', '--compact', '--output', 'json']
  // checkov ends with 1 when it has findings.
  const { stdout, stderr, exitCode } = await execa(
    'python3',
    ['-m', 'checkov.main', '--directory', folder, ...options],
    {
      env: { PYTHONPATH: await pythonPackages('checkov') },
      reject: false,
    },
  )
  if (exitCode !== 0 && exitCode !== 1) throw new Error(`checkov ended with ${exitCode}: ${stderr}${stdout}`)
  return JSON.parse(stdout)
}
