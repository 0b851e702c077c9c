import { readdirSync, readFileSync } from 'node:fs'

/**
 * Ids of the processes of this machine whose file in /proc says so. One that ends meanwhile is passed over.
 *
 * @param says is given the file's content; that of `cmdline` is empty for a process of the kernel
 * @see https://man7.org/linux/man-pages/man5/proc.5.html
 */
export function processesWhere(
  file: 'cmdline' | 'cgroup',
  says: (content: string) => boolean,
  processes = '/proc',
): number[] {
  return readdirSync(processes)
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => says(contentOf(`${processes}/${name}/${file}`)))
    .map(Number)
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return ''
    throw error
  }
}
