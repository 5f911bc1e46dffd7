// How the line of a call is: bars, and the same in words; figures for who asks for them.
import type { Call } from "./call";
import { formatNumber, t } from "./i18n";
import type { Level } from "./line-ladder";

const BARS: Record<Level, number> = { good: 4, fair: 3, weak: 2, bad: 1 };

export function LineBars({ level }: { level: Level }) {
  return (
    <svg class="ab-bars" viewBox="0 0 20 16" aria-hidden="true" focusable="false">
      {[1, 2, 3, 4].map((bar) => (
        <rect key={bar} x={(bar - 1) * 5} y={16 - bar * 4} width="4" height={bar * 4} class={bar <= BARS[level] ? "ab-bar-on" : "ab-bar-off"} />
      ))}
    </svg>
  );
}

export function LineMark({ call }: { call: Call }) {
  const figures = call.figures.value;
  const { level } = call.ladder.value;
  if (!figures) return null;
  const rows = [
    [t("ui.line-mark.loss"), figures.loss === null ? "–" : `${formatNumber(Math.round(figures.loss * 1000) / 10)} %`],
    [t("ui.line-mark.round-trip"), figures.roundTripMs === null ? "–" : `${formatNumber(Math.round(figures.roundTripMs))} ms`],
    [t("ui.line-mark.rate"), `${formatNumber(Math.round(figures.kbpsIn))} / ${formatNumber(Math.round(figures.kbpsOut))} kbit/s`],
    [t("ui.line-mark.frames"), formatNumber(Math.round(figures.framesPerSecond))],
  ] as const;
  return (
    <details class="ab-line-mark" data-level={level}>
      <summary><LineBars level={level} /> {t(`ui.line-mark.${level}`)}</summary>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
        ))}
      </dl>
    </details>
  );
}
