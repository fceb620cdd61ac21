<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN">
<context>
    <name>acts</name>
    <message>
        <source>{n} of {all} outputs not confirmed: {names}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} outputs stopped and read back</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>sending</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>confirmed {s:.1f} s</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>not confirmed</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>refused</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>failed</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>alarms</name>
    <message>
        <source>Open</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Shelved</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>All</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Not acknowledged</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Acknowledged</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Out of the list</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>cleared</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Station</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>No alarm is selected.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>This alarm is of no channel.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Reset one trip at a time.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Acknowledge</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>An alarm can be shelved for up to 24 hours.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Say why; it goes into the journal.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Shelve</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Unshelve</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Take out of service</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Put into service</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The alarm is gone.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Reset {name}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>none yet</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>this week: {mean:.0f} alarms a day, most in 10 min {peak}, time to acknowledge {took} (median), stale over 24 h: {stale}</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>allowed</name>
    <message>
        <source>The station does not let this window in.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The station does not answer; acts are off until it is back.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>This needs the role {needed}; {name} has {role}.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>this person</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Stop all is active, by {name}: release it first.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The station knows no channel {name}.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Nothing runs on {name}.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{name} does not answer now.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{name} is {state}, not {wanted}.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{name} is running.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{name} is latched by a trip: reset it first.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>No cell is in {name}.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Nobody knows what {name} does.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{cell} is still in {name}: take it out first.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{name} is neither tripped nor held.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Reset: acknowledge first.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Nothing is selected.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{act} is off: {reason}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{act} is off: {n} of {all} are running</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{act} is off for {n} of {all}: {reason}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{job} is {state}; only what waits can be changed.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{job} is {state}; only what waits can be held.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{job} is not held.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{job} has not failed.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{job} does not run.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{name} has acknowledged it.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>There is nothing to acknowledge.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Shelve: not for critical.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>It is out of the list already.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>A critical alarm stays in service.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>It is not shelved.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>It is in service.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>This alarm is of no channel.</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>cells</name>
    <message>
        <source>slot</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>cell id</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>type</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>group</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>mass mg</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>area cm²</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>1 C mA/g</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>OCV meas V</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>OCV reg V</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>batch</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>protocol</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>= set current</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>note</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>problem</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>other</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>“{text}” is no type; use sym, LFP, LTO or other.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>“{text}” is no id: letters, digits, - and _.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The text is too long.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{text} cannot be; a number above 0 is needed.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>paste {n} rows</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>edit {column}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>choose {value}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>fill down</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>assign slots</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>remove {n} rows</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>keep {value}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>taken where none is given</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The cell id is missing.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{cell} stands in rows {rows}.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The type is missing.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>no free slot: it goes to the queue</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>There is no slot {slot}.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Slot {slot} is given twice.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{cell} is still in the slot, unload first</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} rows</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>1 question</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} questions</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} bad</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>No row can be saved yet.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{title} {value}: {times} × the median of the other {kind} cells in this batch ({usual}, n = {n}).</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{times} × median?</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>channel</name>
    <message>
        <source>The station knows no such channel.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>rev {n}  #{hash}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{name} step {n} / {all}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>cycle {n} / {all}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>STALE</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Voltage</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Current</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Coulombic eff.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>last complete cycle</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Temperature</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Step charge</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Last cycle</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>set {t:.1f}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>of {time}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Step time</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>in {time}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>due</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Finish</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>done</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>now</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>next</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>step time</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>at most {n} times</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>compare</name>
    <message>
        <source>raw</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>add {n} runs</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>no batch</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>pristine</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>remove runs</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>change {what}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>unit</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{kept} % at {n}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} cycles</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>no active mass is registered</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>no area is registered</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>capacity kept / %</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>CE / %</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>overpotential / mV</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>confirm</name>
    <message>
        <source>Reason, for the journal</source>
        <translation>原因（记入日志）</translation>
    </message>
</context>
<context>
    <name>confirming</name>
    <message>
        <source>Say why; it goes into the journal.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>and {n} more</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Stop {name}?</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Stop {n} running cells?</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The output goes off now. A stopped run cannot be resumed; its rows are kept.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Stop {n}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Let run</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Type {n} to stop {n} cells.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Jump to the next step?</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The present step ends here and is not made up for; the next one begins at once.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Jump</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Stay in the step</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The channel may be energised again.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Reset the trip of {name}?</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Let the queue of {name} go on?</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Reset</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Leave it off</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Type {name} to reset it.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Release Stop all?</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>by {name}: {reason}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Outputs may be switched on again. Nothing restarts by itself.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Release</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Keep all off</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Type the word release.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Remove {n} from the queue?</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Remove {name} from the queue?</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>It will not start. To have it again it must be queued anew.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Remove</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Keep it</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Type {n} to remove {n} items.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Take this alarm out of service?</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Nobody is told of it until a person puts it back into service.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Take out</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Take away the access of {name}?</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The token ends at once; a new one must be given to come back.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Take away</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>cycles</name>
    <message>
        <source>“{part}” is no cycle; write 1,2,5 or 10:100:10.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>“{part}” names no cycle.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>More than {n} cycles; choose fewer, for example every tenth.</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>events</name>
    <message>
        <source>all</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>mine</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>commands</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>faults</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Hand-over {when}: {n} running, {a} alarms open</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Acts</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>filters</name>
    <message>
        <source>All</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Abnormal</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Running</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Free</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Mine</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>slot</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>age</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>capacity</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>rack</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>batch</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>capacity below {limit} % of the first</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>overpotential above {limit} V</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>OCV below {limit} V</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>CE below {limit} %</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>CE above {limit} %</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>short</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>dead cells</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>high overpotential</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>low OCV</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>shorts</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>firstrun</name>
    <message>
        <source>not known yet</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{live} of {all} answer</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} registered, {m} in channels</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} ready-made ones</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>set up</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>nobody; optional</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Data folder</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{size} free</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Instruments</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>none</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Cells</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>paste a batch from a spreadsheet</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Protocol</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Who is called at night</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>First run</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} running</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>review and start</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} of {all}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>asking</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>grid</name>
    <message>
        <source>{name} {t:.1f} °C</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>1 cell</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} cells</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>no cell</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>no batch</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>gridtable</name>
    <message>
        <source>slot</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>state</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>cell</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>batch</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>protocol</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>cycle</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>kept</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>rows</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>ends</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>age</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>says</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>keys</name>
    <message>
        <source>Stop all outputs</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Help for this view</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Edit cell, rename</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Start selected...</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Pause at step end</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Pause now</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Continue</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Check protocol</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Simulate</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Stop selected</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Go to view</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Search, filter</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Command palette</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Select</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Open detail</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Back</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Forward</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Undo</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Redo</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Acknowledge</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Acknowledge with comment...</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Shelve...</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Logarithmic y</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Logarithmic x</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Fit</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Follow live</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Cursors A and B</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Overlay list...</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Zoom in</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Zoom out</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Export...</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Larger text</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Smaller text</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Normal text size</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Settings</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Paste</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Fill down</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Move up</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Move down</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>palette</name>
    <message>
        <source>Search or command</source>
        <translation>搜索或命令</translation>
    </message>
    <message>
        <source>Commands</source>
        <translation>命令</translation>
    </message>
</context>
<context>
    <name>parsing</name>
    <message>
        <source>C/0 is no current.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>“{text}” is no number. Write it with a decimal point, for example 0.125 {unit}.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>“{text}” is no number. Use a decimal point and no other signs.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>“{text}” is too large.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>“{rest}” is no unit here; use {units}.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>“{text}” can be read in more than one way.</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>parts</name>
    <message>
        <source>sending</source>
        <translation>发送中</translation>
    </message>
    <message>
        <source>confirmed</source>
        <translation>已确认</translation>
    </message>
</context>
<context>
    <name>places</name>
    <message>
        <source>Rack {n}</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>plots</name>
    <message>
        <source>Plot. L and X log axes, F fit, R follow, C cursors, arrows move.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>live &gt;</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Follow the newest point again</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Follow the newest point again (R)</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>gap {span}</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>queue</name>
    <message>
        <source>All</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>By channel</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>By instrument</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Held</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Done</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>any that fits</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Nothing is selected.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Hold</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Release</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Remove</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Retry</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Repeat</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>move {job}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>week {n}</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>rail</name>
    <message>
        <source>Views</source>
        <translation>视图</translation>
    </message>
    <message>
        <source>Open here</source>
        <translation>在此打开</translation>
    </message>
    <message>
        <source>Open beside</source>
        <translation>并排打开</translation>
    </message>
    <message>
        <source>Open in its own window</source>
        <translation>在新窗口中打开</translation>
    </message>
</context>
<context>
    <name>recovery</name>
    <message>
        <source>nothing: it is followed</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>wait for the instrument</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>follow it again, fetch what was missed</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>fetch the last rows and close it</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>look at the cell, then decide</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>cycle {n}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>since {when}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{name} does not answer</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>unknown</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>It is followed already.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Its instrument does not answer yet.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>accepted on the recovery page</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>followed again</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} runs had not ended: {ready} to accept, {look} to look at, {waits} wait. Nothing is energised by accepting.</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>selection</name>
    <message>
        <source>Nothing is selected.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} selected</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>settings</name>
    <message>
        <source>Light</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Dark</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>High contrast</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>change {names}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>A name is needed.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{name} has access already.</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>starts</name>
    <message>
        <source>The pause between two starts is 0 to 3600 s.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Choose a protocol.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>being checked</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The station said nothing about this row.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The station knows no channel {name}.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{there} is in the slot, not {wanted}.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>The OCV is not read now.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>OCV {measured} V, registered {registered} V: another cell?</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>any that fits</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>passes</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>being started</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>No row passes.</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>, {pause} apart</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Start {n}{pause}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>sending</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>queued as {job}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Start {n}</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>statusbar</name>
    <message>
        <source>Language: {name}</source>
        <translation>语言：{name}</translation>
    </message>
    <message>
        <source>Theme: {name}</source>
        <translation>主题：{name}</translation>
    </message>
    <message>
        <source>Scale: {percent} %</source>
        <translation>缩放：{percent} %</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>High contrast</source>
        <translation>高对比度</translation>
    </message>
</context>
<context>
    <name>stop</name>
    <message>
        <source>confirmed</source>
        <translation>已确认</translation>
    </message>
    <message>
        <source>not confirmed</source>
        <translation>未确认</translation>
    </message>
    <message>
        <source>Stop all outputs is not confirmed</source>
        <translation>“停止全部输出”未得到确认</translation>
    </message>
    <message>
        <source>Switch these off at the instrument.</source>
        <translation>请在仪器上关闭这些通道。</translation>
    </message>
    <message>
        <source>It is still tried. Switch off at the instruments.</source>
        <translation>仍在尝试。请在仪器上关闭输出。</translation>
    </message>
    <message>
        <source>no station is connected: switch off at the instruments</source>
        <translation>未连接工位：请在仪器上关闭</translation>
    </message>
    <message>
        <source>Stop all outputs</source>
        <translation>停止全部输出</translation>
    </message>
    <message>
        <source>Stop all outputs of the bench, at once and without a question ({keys})</source>
        <translation>立即停止测试台的全部输出，不再询问（{keys}）</translation>
    </message>
    <message>
        <source>By {name}, {utc} UTC. {n} of {all} outputs confirmed off.</source>
        <translation>由 {name} 操作，{utc} UTC。{all} 路输出中 {n} 路已确认关闭。</translation>
    </message>
    <message>
        <source>All outputs are stopped</source>
        <translation>全部输出已停止</translation>
    </message>
    <message>
        <source>Show list</source>
        <translation>显示清单</translation>
    </message>
    <message>
        <source>Release...</source>
        <translation>解除…</translation>
    </message>
    <message>
        <source>There is no link to the station</source>
        <translation>与工位没有连接</translation>
    </message>
    <message>
        <source>What became of Stop all outputs</source>
        <translation>停止全部输出的结果</translation>
    </message>
    <message>
        <source>Outputs</source>
        <translation>输出</translation>
    </message>
    <message>
        <source>no output was on</source>
        <translation>当时没有输出开启</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>off, read back</source>
        <translation>已关闭并回读</translation>
    </message>
</context>
<context>
    <name>summary</name>
    <message>
        <source>station</source>
        <translation>工位</translation>
    </message>
    <message>
        <source>no link</source>
        <translation>无连接</translation>
    </message>
</context>
<context>
    <name>text</name>
    <message>
        <source>never</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>tiles</name>
    <message>
        <source>{age} old</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>not read yet</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>{n} of {all}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>ready</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>not released</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>op: {name}, {time}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>by a person</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>cycle {n} of {all}</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>STALE</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>live reading, coarser than the record</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>ends {when}, {left} left ({basis})</source>
        <translation type="unfinished" />
    </message>
</context>
<context>
    <name>topbar</name>
    <message>
        <source>no alarms</source>
        <translation>无报警</translation>
    </message>
    <message>
        <source>Alarms: {counts}</source>
        <translation>报警：{counts}</translation>
    </message>
    <message>
        <source>critical</source>
        <translation>危急</translation>
    </message>
    <message>
        <source>high</source>
        <translation>高</translation>
    </message>
    <message>
        <source>medium</source>
        <translation>中</translation>
    </message>
    <message>
        <source>low</source>
        <translation>低</translation>
    </message>
    <message>
        <source>speed</source>
        <translation>速度</translation>
    </message>
    <message>
        <source>Search or command</source>
        <translation>搜索或命令</translation>
    </message>
    <message>
        <source>max</source>
        <translation>最快</translation>
    </message>
    <message>
        <source>no station</source>
        <translation>无工位</translation>
    </message>
    <message>
        <source>Station: {name}</source>
        <translation>工位：{name}</translation>
    </message>
    <message>
        <source>connecting</source>
        <translation>连接中</translation>
    </message>
    <message>
        <source>no instruments</source>
        <translation>无仪器</translation>
    </message>
    <message>
        <source>running</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>free</source>
        <translation>空闲</translation>
    </message>
    <message>
        <source>held</source>
        <translation>挂起</translation>
    </message>
    <message>
        <source>disk</source>
        <translation>磁盘</translation>
    </message>
    <message>
        <source>You are {name}</source>
        <translation>当前用户：{name}</translation>
    </message>
</context>
<context>
    <name>trouble</name>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>Copy the text</source>
        <translation>复制文字</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>知道了</translation>
    </message>
    <message>
        <source>and {n} more</source>
        <translation>另有 {n} 条</translation>
    </message>
    <message>
        <source>Not done: {what}</source>
        <translation>未完成：{what}</translation>
    </message>
    <message>
        <source>Look at it again, then decide.</source>
        <translation>请重新查看后再决定。</translation>
    </message>
    <message>
        <source>The link is tried again by itself.</source>
        <translation>会自动重新连接。</translation>
    </message>
    <message>
        <source>No answer yet: {what}</source>
        <translation>尚无回应：{what}</translation>
    </message>
    <message>
        <source>The station has not answered in time; whether it was done is not known.</source>
        <translation>工位未及时回应，是否已执行尚不清楚。</translation>
    </message>
    <message>
        <source>Look at how things stand, then decide.</source>
        <translation>请查看当前状态后再决定。</translation>
    </message>
</context>
<context>
    <name>undo</name>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>重做</translation>
    </message>
</context>
<context>
    <name>window</name>
    <message>
        <source>This computer</source>
        <translation>本机</translation>
    </message>
    <message>
        <source>The station does not let this window in</source>
        <translation>工位拒绝本窗口接入</translation>
    </message>
    <message>
        <source>Last news {age} ago. Values are grey, acts are off. Runs go on without this window.</source>
        <translation>最近一次消息在 {age} 前。数值变灰，操作停用。运行不依赖本窗口，照常进行。</translation>
    </message>
    <message>
        <source>No link to the station</source>
        <translation>与工位失去连接</translation>
    </message>
    <message>
        <source>Since {age}.</source>
        <translation>已 {age}。</translation>
    </message>
    <message>
        <source>Connecting to the station</source>
        <translation>正在连接工位</translation>
    </message>
    <message>
        <source>Go to</source>
        <translation>转到</translation>
    </message>
    <message>
        <source>Look</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>Reset layout</source>
        <translation>重置布局</translation>
    </message>
    <message>
        <source>Not connected</source>
        <translation>未连接</translation>
    </message>
    <message>
        <source>Save this layout</source>
        <translation>保存此布局</translation>
    </message>
    <message>
        <source>Layout {name}</source>
        <translation>布局 {name}</translation>
    </message>
    <message>
        <source>Close the window (the station goes on)</source>
        <translation>关闭窗口（工位继续运行）</translation>
    </message>
    <message>
        <source>Layout {name} saved</source>
        <translation>布局 {name} 已保存</translation>
    </message>
</context>
<context>
    <name>words</name>
    <message>
        <source>charging</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>discharging</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>resting at open circuit</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>paused; it goes on when a person says so</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>waiting for the chamber's temperature</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>with the potentiostat</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>free</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>a cell is in it; nothing runs</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>finished</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>stopped by a person</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>stopped by a limit; latched until a person resets it</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>the instrument stopped it by its own limit</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>the cell is short-circuited</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>the cell has reached the end of its life</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>a person should look</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>held: nothing is sent until a person has looked</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>no news; the instrument goes on by itself</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>nobody knows what it does</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>starting: the answer is awaited</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>stopping: the read-back is awaited</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>over; the last rows are being fetched</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>between two parts of the program, at open circuit</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>prepared; nothing was sent yet</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>running</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>the instrument has no such channel</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>waiting</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>starts by itself</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>held</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>starts after release</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>starting</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>being started</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>paused</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>done</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>ended as it should</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>failed</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>ended badly</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>removed</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>never started</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>opening</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>awaited</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>live</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>it answers</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>view only</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>operator</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>configurer</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>administrator</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Critical</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>High</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Medium</source>
        <translation type="unfinished" />
    </message>
    <message>
        <source>Low</source>
        <translation type="unfinished" />
    </message>
</context>
</TS>
