// Drawn here, in the page: nothing is loaded for them. All are decoration; the control has the name.
import type { JSX } from "preact";

const icon = (path: JSX.Element) => () => (
  <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
    {path}
  </svg>
);

export const MicIcon = icon(<><rect x="9" y="3" width="6" height="11" rx="3" /><path d="M5 11a7 7 0 0 0 14 0M12 18v3" /></>);
export const MicOffIcon = icon(<><path d="M9 9v2a3 3 0 0 0 5 2.2M15 10V6a3 3 0 0 0-5.9-.8M5 11a7 7 0 0 0 11 5.7M19 11a7 7 0 0 1-.6 2.8M12 18v3M4 3l16 18" /></>);
export const CameraIcon = icon(<><rect x="3" y="6" width="12" height="12" rx="2" /><path d="m15 11 6-3v8l-6-3z" /></>);
export const CameraOffIcon = icon(<><path d="M10 6h3a2 2 0 0 1 2 2v3l6-3v8M15 15v1a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V8a2 2 0 0 1 1-1.7M4 3l16 18" /></>);
export const DevicesIcon = icon(<path d="M4 7h9M17 7h3M4 17h3M11 17h9M15 4v6M9 14v6" />);
export const HangUpIcon = icon(<path d="M4 15c5-5 11-5 16 0l-2.4 2.8-3.4-1.6v-2.6a12 12 0 0 0-4.4 0v2.6l-3.4 1.6z" fill="currentColor" />);
export const ScreenIcon = icon(<><rect x="3" y="4" width="18" height="12" rx="2" /><path d="M9 20h6M12 13V7.500M9.500 10 12 7.500 14.500 10" /></>);
export const ScreenOffIcon = icon(<><rect x="3" y="4" width="18" height="12" rx="2" /><path d="M9 20h6M9.500 7.500l5 5M14.500 7.500l-5 5" /></>);
export const DocumentIcon = icon(<><path d="M6 3h8l4 4v14H6z" /><path d="M9.500 12h5M9.500 16h5M14 3v4h4" /></>);
export const EnlargeIcon = icon(<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5" />);
export const CallIcon = icon(<path d="M6 3h3l2 5-2.4 1.7a12 12 0 0 0 5.7 5.7L16 13l5 2v3a3 3 0 0 1-3 3C10 20.5 3.500 14 3 6a3 3 0 0 1 3-3z" />);
export const ChatIcon = icon(<path d="M4 5h16v11H10l-5 4v-4H4z" />);
export const SearchIcon = icon(<><circle cx="11" cy="11" r="6.500" /><path d="m16 16 5 5" /></>);
export const CloseIcon = icon(<path d="M5 5l14 14M19 5 5 19" />);
export const RecordIcon = icon(<><circle cx="12" cy="12" r="9" /><circle cx="12" cy="12" r="4.500" fill="currentColor" /></>);
export const RecordOffIcon = icon(<><circle cx="12" cy="12" r="9" /><path d="M5.600 18.400 18.400 5.600" /></>);
export const CheckIcon = icon(<path d="m4 13 5 5L20 6" />);

export function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" fill="#0b4f5a" />
      <path d="M7 9.500A2.500 2.500 0 0 1 9.500 7h13A2.500 2.500 0 0 1 25 9.500V20H7z" fill="#fff" />
      <path d="M16 9v9M9.500 13.500h13" stroke="#0b4f5a" stroke-width="2" />
      <rect x="4.500" y="21.500" width="23" height="3.500" rx="1.500" fill="#f2b84b" />
    </svg>
  );
}
