/** One backup on the volume. */
export interface Backup {
  file: string
  takenAt: Date
  bytes: number
  /** A restore created it from the data that it replaced. */
  beforeRestore: boolean
}

const line = /^((before-restore-)?(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.archive\.gz) +(\d+)$/

/** Parses the output of the script's `list`, newest first. Ignores other files. */
export function parseBackups(text: string): Backup[] {
  return text
    .split('\n')
    .flatMap((entry) => {
      const [, file, before, year, month, day, hour, minute, second, bytes] = line.exec(entry.trim()) ?? []
      if (file === undefined) return []
      const takenAt = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
      return [{ file, takenAt, bytes: Number(bytes), beforeRestore: before !== undefined }]
    })
    .sort((one, other) => other.takenAt.getTime() - one.takenAt.getTime())
}

/**
 * The backup that a user names: a file name, or `latest` for the newest scheduled one.
 * @returns undefined if there is none
 */
export function findBackup(backups: readonly Backup[], wanted: string): Backup | undefined {
  if (wanted === 'latest') return backups.find(({ beforeRestore }) => !beforeRestore)
  return backups.find(({ file }) => file === wanted)
}

/** A table for people. */
export function formatBackups(backups: readonly Backup[]): string {
  const width = Math.max('BACKUP'.length, ...backups.map(({ file }) => file.length))
  const rows = backups.map(
    ({ file, takenAt, bytes }) => `${file.padEnd(width)}  ${formatTime(takenAt)}  ${formatBytes(bytes)}`,
  )
  return [`${'BACKUP'.padEnd(width)}  ${'TAKEN'.padEnd(20)}  SIZE`, ...rows].join('\n')
}

export function formatTime(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ').concat('Z')
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`
}
