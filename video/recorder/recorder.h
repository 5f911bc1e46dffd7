/* video/recorder/recorder.h: recording a call: the whole of it, and ablak-recorder's pieces.
 *
 * What may be recorded. A service of the catalogue says so with a legal basis and a retention time;
 * one that says nothing is never recorded. The clerk asks, which is the clerk's own consent; the
 * citizen answers; each answer and each withdrawal is a row and an event (recordings/recordings.h).
 * Only when both have said yes does ablakd make a key and start a recorder: before that there is no
 * process, no key and no file. Who did not consent is not recorded, whoever else is in the call:
 * ablak-media hands over the packets of named legs alone.
 *
 *   ablak-media                       ablak-recorder, one a recording            ablakd
 *   a flow's decrypted packets  --->  tap (SOCK_SEQPACKET, tap.h)
 *   never waits: what does not        order.h     retransmissions put in place
 *   fit is dropped and counted        timeline.h  one clock for both parties
 *                                     depay.h     packets -> frames (GStreamer)
 *                                     part.h      frames -> Matroska (GStreamer)
 *                                     seal.h      Matroska -> encrypted file
 *                                     control     <---  stdin: key, folder, edits of the form, stop
 *                                     exit        --->  names the files by their SHA-256, keeps
 *                                                       rows of them (box/recorder.h)
 *
 * One timeline. Its zero is the start of the recording, its unit the box's monotonic clock. A
 * party's streams are placed on it by their sender reports (RFC 3550 §6.4.1), so lips stay with
 * words; the two parties by the arrival of their least delayed packets. Matroska's times are the
 * timeline's, so files need no offset to be played together.
 *
 * Files. Matroska cannot gain or lose a track, so a party's recording is cut into parts: one ends
 * when a track appears, ends (nothing for 2 s: a camera switched off) or changes its codec. File 0
 * of a recording is its table of contents, JSON lines: parts, where in them to begin for a given
 * time, the form's edits, packets missed. Every line and every cluster stands by itself: what a
 * crash leaves is readable up to its last 16 KiB (seal.h).
 *
 * Stopping. "stop" drops what is later than its time and finishes the files. A withdrawal that asks
 * for deletion kills the process and removes key and files. stdin closed (ablakd died) stops, too:
 * without ablakd nobody could withdraw.
 *
 * Sandbox. After "start" and before the first packet it is left with its descriptors, memory, threads
 * and the right to make new files in the recordings' folder (video/sandbox.h).
 *
 * Not here: carrying the files to headquarters; their rows go up as every row does, so headquarters
 * knows what exists and when it was deleted.
 *
 * Units: us of CLOCK_MONOTONIC as told by the media process (`at_us`), ns and ms on the timeline.
 * Threads: all functions on the main thread; GStreamer's threads see a part's queues and its file.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef enum { ABLAK_TRACK_AUDIO, ABLAK_TRACK_VIDEO, ABLAK_TRACKS } AblakTrack;
