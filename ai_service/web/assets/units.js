// Figures as people read them; "–" for one that is not known.

const NONE = "–";
const known = (value) => value !== null && value !== undefined;

/** Milliseconds. */
export function duration(ms) {
  if (!known(ms)) return NONE;
  if (ms >= 172_800_000) return `${(ms / 86_400_000).toFixed(1)} d`;
  if (ms >= 5_400_000) return `${(ms / 3_600_000).toFixed(1)} h`;
  if (ms >= 90_000) return `${Math.round(ms / 60_000)} min`;
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms >= 10) return `${ms.toFixed(0)} ms`;
  return `${ms.toPrecision(2)} ms`;
}

/** A share from 0 to 1. */
export const percent = (ratio) => (known(ratio) ? `${Math.round(ratio * 100)} %` : NONE);

/** A rate by the second. */
export const perSecond = (rate) => (known(rate) ? `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s` : NONE);

export const count = (value) => (known(value) ? value.toLocaleString("en") : NONE);

export function bytes(value) {
  if (!known(value)) return NONE;
  return value >= 1024 ** 2 ? `${(value / 1024 ** 2).toFixed(1)} MiB` : `${(value / 1024).toFixed(1)} KiB`;
}

/** Seconds since the epoch as the time of day; with the date where it is not of today, or asked for. */
export function clock(seconds, { date = false } = {}) {
  const at = new Date(seconds * 1000);
  const time = at.toLocaleTimeString();
  return date || at.toDateString() !== new Date().toDateString() ? `${at.toLocaleDateString()} ${time}` : time;
}

/** Words of the API, `digest_differs`, as words. */
export const spaced = (word) => word.replaceAll("_", " ");
