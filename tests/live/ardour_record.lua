-- Ardour 7 without a screen, for ardour.py: `make FOLDER NAME` makes a session with one MIDI track, without JACK;
-- `run FOLDER NAME` opens it on JACK, sends MIDI clock, and carries out the commands of standard input, one a line.
local order, folder, name = arg[1], arg[2], arg[3]

if order == "make" then
  AudioEngine:set_backend("None (Dummy)", "", "")
  local session = create_session(folder, name, 48000)
  local midi = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
  session:new_midi_track(midi, midi, true, ARDOUR.PluginInfo(), nil, nil, 1, "take",
    ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
  session:save_state("")
  close_session()
  print("made")
  return
end

AudioEngine:set_backend("JACK", "ardour", "")
ARDOUR.config():set_send_midi_clock(true)
local session = load_session(folder, name)
local track = session:route_by_name("take"):to_track()
local by = ARDOUR.TransportRequestSource.TRS_UI
local commands = {}

function commands.arm()
  track:rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
  session:maybe_enable_record()
end

function commands.roll() session:request_roll(by) end

function commands.stop() session:request_stop(false, false, by) end

function commands.locate(frame)
  session:request_locate(tonumber(frame), false, ARDOUR.LocateTransportDisposition.MustStop, by)
end

function commands.where()
  print("where", session:transport_sample(), session:transport_rolling(), session:actively_recording())
end

function commands.save() session:save_state("") end

print("ready")
for line in io.lines() do
  local word, rest = line:match("^(%S+)%s*(.*)$")
  if word == "quit" then break end
  local fine, why = pcall(commands[word], rest)
  print(fine and "ok" or "failed " .. tostring(why))
end
close_session()
print("closed")
