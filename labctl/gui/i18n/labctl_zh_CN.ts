<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN">
<context>
    <name>acts</name>
    <message>
        <source>{n} of {all} outputs not confirmed: {names}</source>
        <translation>{all} 个输出中有 {n} 个未确认：{names}</translation>
    </message>
    <message>
        <source>{n} outputs stopped and read back</source>
        <translation>{n} 个输出已停止并回读确认</translation>
    </message>
    <message>
        <source>sending</source>
        <translation>发送中</translation>
    </message>
    <message>
        <source>confirmed {s:.1f} s</source>
        <translation>已确认 {s:.1f} s</translation>
    </message>
    <message>
        <source>not confirmed</source>
        <translation>未确认</translation>
    </message>
    <message>
        <source>refused</source>
        <translation>被拒绝</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>失败</translation>
    </message>
</context>
<context>
    <name>alarms</name>
    <message>
        <source>Open</source>
        <translation>未消除</translation>
    </message>
    <message>
        <source>Shelved</source>
        <translation>已搁置</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Not acknowledged</source>
        <translation>未确认</translation>
    </message>
    <message>
        <source>Acknowledged</source>
        <translation>已确认</translation>
    </message>
    <message>
        <source>Out of the list</source>
        <translation>不在列表中</translation>
    </message>
    <message>
        <source>Nothing is shelved.</source>
        <translation>没有搁置的报警。</translation>
    </message>
    <message>
        <source>No alarm matches what is chosen above and at the left.</source>
        <translation>没有符合上方和左侧所选条件的报警。</translation>
    </message>
    <message>
        <source>No alarms. Everything that runs is within its limits.</source>
        <translation>没有报警。所有运行均在限值之内。</translation>
    </message>
    <message>
        <source>cleared</source>
        <translation>已恢复</translation>
    </message>
    <message>
        <source>Station</source>
        <translation>站点</translation>
    </message>
    <message>
        <source>No alarm is selected.</source>
        <translation>未选择报警。</translation>
    </message>
    <message>
        <source>This alarm is of no channel.</source>
        <translation>该报警不属于任何通道。</translation>
    </message>
    <message>
        <source>Reset one trip at a time.</source>
        <translation>一次只能复位一个跳闸。</translation>
    </message>
    <message>
        <source>Acknowledge</source>
        <translation>确认</translation>
    </message>
    <message>
        <source>An alarm can be shelved for up to 24 hours.</source>
        <translation>报警最多可搁置 24 小时。</translation>
    </message>
    <message>
        <source>Say why; it goes into the journal.</source>
        <translation>请填写原因，将记入日志。</translation>
    </message>
    <message>
        <source>Shelve</source>
        <translation>搁置</translation>
    </message>
    <message>
        <source>Unshelve</source>
        <translation>取消搁置</translation>
    </message>
    <message>
        <source>Take out of service</source>
        <translation>停用</translation>
    </message>
    <message>
        <source>Put into service</source>
        <translation>启用</translation>
    </message>
    <message>
        <source>The alarm is gone.</source>
        <translation>该报警已不存在。</translation>
    </message>
    <message>
        <source>Reset {name}</source>
        <translation>复位 {name}</translation>
    </message>
    <message>
        <source>none yet</source>
        <translation>尚无</translation>
    </message>
    <message>
        <source>this week: {mean:.0f} alarms a day, most in 10 min {peak}, time to acknowledge {took} (median), stale over 24 h: {stale}</source>
        <translation>本周：每天 {mean:.0f} 条报警，10 min 内最多 {peak} 条，确认用时 {took}（中位数），超过 24 h 未消除：{stale}</translation>
    </message>
    <message>
        <source>acknowledged</source>
        <translation>已确认</translation>
    </message>
    <message>
        <source>shelved</source>
        <translation>已搁置</translation>
    </message>
    <message>
        <source>brought back</source>
        <translation>已恢复</translation>
    </message>
    <message>
        <source>taken out of service</source>
        <translation>已停用</translation>
    </message>
    <message>
        <source>put into service</source>
        <translation>已启用</translation>
    </message>
    <message>
        <source>channel reset</source>
        <translation>通道已复位</translation>
    </message>
    <message>
        <source>night phone: nobody</source>
        <translation>夜间电话：无人</translation>
    </message>
    <message>
        <source>night phone: {names}</source>
        <translation>夜间电话：{names}</translation>
    </message>
    <message>
        <source>Choose an alarm.</source>
        <translation>请选择报警。</translation>
    </message>
    <message>
        <source>Not sent: people are called for critical and high alarms only.</source>
        <translation>不发送：仅危急和高优先级报警才通知人员。</translation>
    </message>
    <message>
        <source>Sent to nobody: the station file names no one under notify.</source>
        <translation>无人接收：工位文件的 notify 中没有人员。</translation>
    </message>
    <message>
        <source>Sent to {name} at once, to the next person after 15 min.</source>
        <translation>立即发送给 {name}，15 分钟后发送给下一位。</translation>
    </message>
    <message>
        <source>Sent to {name} after 5 min, unless somebody acknowledges it.</source>
        <translation>若无人确认，5 分钟后发送给 {name}。</translation>
    </message>
    <message>
        <source>raised</source>
        <translation>触发</translation>
    </message>
    <message>
        <source>raised, {n} times in all</source>
        <translation>触发，共 {n} 次</translation>
    </message>
    <message>
        <source>station</source>
        <translation>工位</translation>
    </message>
    <message>
        <source>cleared by itself</source>
        <translation>自行消除</translation>
    </message>
    <message>
        <source>state</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>if nobody acts</source>
        <translation>若不处理</translation>
    </message>
    <message>
        <source>acknowledged by</source>
        <translation>确认人</translation>
    </message>
    <message>
        <source>comment</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>shelved until</source>
        <translation>搁置至</translation>
    </message>
    <message>
        <source>latched</source>
        <translation>锁存</translation>
    </message>
    <message>
        <source>stays until a person has seen to it</source>
        <translation>在人工处理前一直保持</translation>
    </message>
    <message>
        <source>chattering</source>
        <translation>抖动</translation>
    </message>
    <message>
        <source>comes and goes; shown once</source>
        <translation>反复出现；只显示一次</translation>
    </message>
    <message>
        <source>run</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>kind</source>
        <translation>类别</translation>
    </message>
    <message>
        <source>± 2 min</source>
        <translation>± 2 min</translation>
    </message>
    <message>
        <source>± 10 min</source>
        <translation>± 10 min</translation>
    </message>
    <message>
        <source>± 1 h</source>
        <translation>± 1 h</translation>
    </message>
    <message>
        <source>± 6 h</source>
        <translation>± 6 h</translation>
    </message>
    <message>
        <source>Choose an alarm or an event to see the voltage around it.</source>
        <translation>选择报警或事件，即可查看其前后的电压。</translation>
    </message>
    <message>
        <source>This is of no channel, so there is no curve.</source>
        <translation>此项不属于任何通道，没有曲线。</translation>
    </message>
    <message>
        <source>Nothing ran on {name} then.</source>
        <translation>当时 {name} 没有运行。</translation>
    </message>
    <message>
        <source>The station is asked for the rows.</source>
        <translation>正在向工位查询数据。</translation>
    </message>
    <message>
        <source>There are no rows around that moment.</source>
        <translation>该时刻附近没有数据。</translation>
    </message>
    <message>
        <source>Acknowledge with a comment</source>
        <translation>确认并备注</translation>
    </message>
    <message>
        <source>Comment, for the journal</source>
        <translation>备注（记入日志）</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Write a comment, or acknowledge without one (A).</source>
        <translation>请填写备注，或直接确认（A）。</translation>
    </message>
    <message>
        <source>It leaves the list and nobody is called; it comes back by itself.</source>
        <translation>它会离开列表且不再通知人员；到时自动恢复。</translation>
    </message>
    <message>
        <source>For how long</source>
        <translation>搁置多久</translation>
    </message>
    <message>
        <source>{n} h</source>
        <translation>{n} h</translation>
    </message>
    <message>
        <source>Reason, for the journal</source>
        <translation>原因（记入日志）</translation>
    </message>
    <message>
        <source>Shift hand-over</source>
        <translation>交接班</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>what</source>
        <translation>内容</translation>
    </message>
    <message>
        <source>by</source>
        <translation>操作人</translation>
    </message>
    <message>
        <source>What is shown of the alarm</source>
        <translation>显示报警的哪些内容</translation>
    </message>
    <message>
        <source>Curve</source>
        <translation>曲线</translation>
    </message>
    <message>
        <source>Phone text</source>
        <translation>短信内容</translation>
    </message>
    <message>
        <source>History</source>
        <translation>历史</translation>
    </message>
    <message>
        <source>How much is drawn around the moment</source>
        <translation>该时刻前后的时间范围</translation>
    </message>
    <message>
        <source>Open in plot</source>
        <translation>在图中打开</translation>
    </message>
    <message>
        <source>Message as it is sent to a phone</source>
        <translation>发送到手机的内容</translation>
    </message>
    <message>
        <source>History of the alarm</source>
        <translation>报警历史</translation>
    </message>
    <message>
        <source>Voltage around the moment</source>
        <translation>该时刻前后的电压</translation>
    </message>
    <message>
        <source>local time</source>
        <translation>本地时间</translation>
    </message>
    <message>
        <source>At that moment</source>
        <translation>当时情况</translation>
    </message>
    <message>
        <source>voltage</source>
        <translation>电压</translation>
    </message>
    <message>
        <source>since</source>
        <translation>起始</translation>
    </message>
    <message>
        <source>where</source>
        <translation>位置</translation>
    </message>
    <message>
        <source>cell</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>what to do</source>
        <translation>处理方法</translation>
    </message>
    <message>
        <source>Any</source>
        <translation>不限</translation>
    </message>
    <message>
        <source>Priority</source>
        <translation>优先级</translation>
    </message>
    <message>
        <source>Which alarms</source>
        <translation>显示哪些报警</translation>
    </message>
    <message>
        <source>Where</source>
        <translation>位置</translation>
    </message>
    <message>
        <source>Places with alarms</source>
        <translation>有报警的位置</translation>
    </message>
    <message>
        <source>Alarms, not acknowledged first</source>
        <translation>报警，未确认的在前</translation>
    </message>
    <message>
        <source>with comment...</source>
        <translation>附备注…</translation>
    </message>
    <message>
        <source>Go to channel</source>
        <translation>转到通道</translation>
    </message>
    <message>
        <source>Reset trip...</source>
        <translation>复位跳闸…</translation>
    </message>
    <message>
        <source>Shift hand-over...</source>
        <translation>交接班…</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Alarms and acts in the wall's time, other events and the curve in the bench's.</source>
        <translation>报警和操作为本机时间，其他事件和曲线为台架时间。</translation>
    </message>
    <message>
        <source>{n} new: show</source>
        <translation>{n} 条新报警：显示</translation>
    </message>
    <message>
        <source>Tones of new alarms: critical 3, high 2, medium 1. Press to switch them on or off.</source>
        <translation>新报警的提示音：危急 3 声，高 2 声，中 1 声。点击可开关。</translation>
    </message>
    <message>
        <source>The trip was not reset.</source>
        <translation>跳闸未复位。</translation>
    </message>
    <message>
        <source>Export events</source>
        <translation>导出事件</translation>
    </message>
    <message>
        <source>The events were not written.</source>
        <translation>事件未能写入。</translation>
    </message>
    <message>
        <source>{n} events written to {name}</source>
        <translation>已将 {n} 条事件写入 {name}</translation>
    </message>
    <message>
        <source>confirmed {s:.1f} s</source>
        <translation>已确认 {s:.1f} s</translation>
    </message>
    <message>
        <source>The alarm was not changed.</source>
        <translation>报警未更改。</translation>
    </message>
    <message>
        <source>Message to a phone</source>
        <translation>手机消息</translation>
    </message>
</context>
<context>
    <name>allowed</name>
    <message>
        <source>The station does not let this window in.</source>
        <translation>站点不允许此窗口连接。</translation>
    </message>
    <message>
        <source>The station does not answer; acts are off until it is back.</source>
        <translation>站点无响应；恢复之前不能操作。</translation>
    </message>
    <message>
        <source>This needs the role {needed}; {name} has {role}.</source>
        <translation>此操作需要角色“{needed}”；{name} 的角色是“{role}”。</translation>
    </message>
    <message>
        <source>this person</source>
        <translation>此人</translation>
    </message>
    <message>
        <source>Stop all is active, by {name}: release it first.</source>
        <translation>“全部停止”生效中（{name}）：请先解除。</translation>
    </message>
    <message>
        <source>The station knows no channel {name}.</source>
        <translation>站点没有通道 {name}。</translation>
    </message>
    <message>
        <source>Nothing runs on {name}.</source>
        <translation>{name} 上没有试验在运行。</translation>
    </message>
    <message>
        <source>{name} does not answer now.</source>
        <translation>{name} 目前无响应。</translation>
    </message>
    <message>
        <source>{name} is {state}, not {wanted}.</source>
        <translation>{name} 的状态是 {state}，不是 {wanted}。</translation>
    </message>
    <message>
        <source>{name} is running.</source>
        <translation>{name} 正在运行。</translation>
    </message>
    <message>
        <source>{name} is latched by a trip: reset it first.</source>
        <translation>{name} 因跳闸锁定：请先复位。</translation>
    </message>
    <message>
        <source>No cell is in {name}.</source>
        <translation>{name} 中没有电池。</translation>
    </message>
    <message>
        <source>Nobody knows what {name} does.</source>
        <translation>{name} 的状态未知。</translation>
    </message>
    <message>
        <source>{cell} is still in {name}: take it out first.</source>
        <translation>{cell} 仍在 {name} 中：请先取出。</translation>
    </message>
    <message>
        <source>{name} is neither tripped nor held.</source>
        <translation>{name} 既未跳闸也未挂起。</translation>
    </message>
    <message>
        <source>Reset: acknowledge first.</source>
        <translation>复位：请先确认报警。</translation>
    </message>
    <message>
        <source>A spectrum of this cell waits or runs already.</source>
        <translation>该电池已有等待或进行中的谱。</translation>
    </message>
    <message>
        <source>No potentiostat takes the cell of {name}.</source>
        <translation>没有恒电位仪可接 {name} 的电池。</translation>
    </message>
    <message>
        <source>Nothing is selected.</source>
        <translation>未选择任何对象。</translation>
    </message>
    <message>
        <source>{act} is off: {reason}</source>
        <translation>“{act}”不可用：{reason}</translation>
    </message>
    <message>
        <source>{act} is off: {n} of {all} are running</source>
        <translation>“{act}”不可用：{all} 个中有 {n} 个正在运行</translation>
    </message>
    <message>
        <source>{act} is off for {n} of {all}: {reason}</source>
        <translation>{all} 个中有 {n} 个不能“{act}”：{reason}</translation>
    </message>
    <message>
        <source>{job} is {state}; only what waits can be changed.</source>
        <translation>{job} 的状态是“{state}”；只能更改等待中的任务。</translation>
    </message>
    <message>
        <source>{job} is {state}; only what waits can be held.</source>
        <translation>{job} 的状态是“{state}”；只能挂起等待中的任务。</translation>
    </message>
    <message>
        <source>{job} is not held.</source>
        <translation>{job} 未挂起。</translation>
    </message>
    <message>
        <source>{job} has not failed.</source>
        <translation>{job} 没有失败。</translation>
    </message>
    <message>
        <source>{job} does not run.</source>
        <translation>{job} 没有在运行。</translation>
    </message>
    <message>
        <source>{name} has acknowledged it.</source>
        <translation>{name} 已确认。</translation>
    </message>
    <message>
        <source>There is nothing to acknowledge.</source>
        <translation>没有可确认的内容。</translation>
    </message>
    <message>
        <source>Shelve: not for critical.</source>
        <translation>搁置：紧急报警不可搁置。</translation>
    </message>
    <message>
        <source>It is out of the list already.</source>
        <translation>已不在列表中。</translation>
    </message>
    <message>
        <source>A critical alarm stays in service.</source>
        <translation>紧急报警不能停用。</translation>
    </message>
    <message>
        <source>It is not shelved.</source>
        <translation>未搁置。</translation>
    </message>
    <message>
        <source>It is in service.</source>
        <translation>正在使用中。</translation>
    </message>
    <message>
        <source>This alarm is of no channel.</source>
        <translation>该报警不属于任何通道。</translation>
    </message>
</context>
<context>
    <name>backup</name>
    <message>
        <source>Export is off: one is on its way.</source>
        <translation>导出不可用：正在导出。</translation>
    </message>
    <message>
        <source>Export is off: no run is in these channels.</source>
        <translation>导出不可用：这些通道没有运行。</translation>
    </message>
    <message>
        <source>Exporting {n} of {all}: {name}</source>
        <translation>正在导出第 {n} 个，共 {all} 个：{name}</translation>
    </message>
    <message>
        <source>{n} of {all} files written</source>
        <translation>已写入 {n} 个文件，共 {all} 个</translation>
    </message>
    <message>
        <source>{n} of {all} exports failed</source>
        <translation>{all} 个导出中 {n} 个失败</translation>
    </message>
</context>
<context>
    <name>cells</name>
    <message>
        <source>slot</source>
        <translation>槽位</translation>
    </message>
    <message>
        <source>cell id</source>
        <translation>电池编号</translation>
    </message>
    <message>
        <source>type</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>group</source>
        <translation>分组</translation>
    </message>
    <message>
        <source>mass mg</source>
        <translation>质量 mg</translation>
    </message>
    <message>
        <source>area cm²</source>
        <translation>面积 cm²</translation>
    </message>
    <message>
        <source>1 C mA/g</source>
        <translation>1 C mA/g</translation>
    </message>
    <message>
        <source>OCV meas V</source>
        <translation>实测 OCV V</translation>
    </message>
    <message>
        <source>OCV reg V</source>
        <translation>登记 OCV V</translation>
    </message>
    <message>
        <source>batch</source>
        <translation>批次</translation>
    </message>
    <message>
        <source>protocol</source>
        <translation>方案</translation>
    </message>
    <message>
        <source>= set current</source>
        <translation>= 设定电流</translation>
    </message>
    <message>
        <source>note</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>problem</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>other</source>
        <translation>其他</translation>
    </message>
    <message>
        <source>“{text}” is no type; use sym, LFP, LTO or other.</source>
        <translation>“{text}”不是类型；请用 sym、LFP、LTO 或 other。</translation>
    </message>
    <message>
        <source>“{text}” is no id: letters, digits, - and _.</source>
        <translation>“{text}”不是有效编号：只能用字母、数字、- 和 _。</translation>
    </message>
    <message>
        <source>The text is too long.</source>
        <translation>文字过长。</translation>
    </message>
    <message>
        <source>{text} cannot be; a number above 0 is needed.</source>
        <translation>{text} 无效；需要大于 0 的数。</translation>
    </message>
    <message>
        <source>scan {cell}</source>
        <translation>扫描 {cell}</translation>
    </message>
    <message>
        <source>empty {column}</source>
        <translation>清空{column}</translation>
    </message>
    <message>
        <source>edit {column}</source>
        <translation>编辑 {column}</translation>
    </message>
    <message>
        <source>take {n} cells</source>
        <translation>取入 {n} 个电池</translation>
    </message>
    <message>
        <source>{n} slots</source>
        <translation>{n} 个槽位</translation>
    </message>
    <message>
        <source>slot {slot}</source>
        <translation>槽位 {slot}</translation>
    </message>
    <message>
        <source>paste {n} rows</source>
        <translation>粘贴 {n} 行</translation>
    </message>
    <message>
        <source>choose {value}</source>
        <translation>选择 {value}</translation>
    </message>
    <message>
        <source>fill down</source>
        <translation>向下填充</translation>
    </message>
    <message>
        <source>assign slots</source>
        <translation>分配槽位</translation>
    </message>
    <message>
        <source>remove {n} rows</source>
        <translation>移除 {n} 行</translation>
    </message>
    <message>
        <source>keep {value}</source>
        <translation>保留 {value}</translation>
    </message>
    <message>
        <source>taken where none is given</source>
        <translation>未填写时采用</translation>
    </message>
    <message>
        <source>The cell id is missing.</source>
        <translation>缺少电池编号。</translation>
    </message>
    <message>
        <source>{cell} stands in rows {rows}.</source>
        <translation>{cell} 出现在第 {rows} 行。</translation>
    </message>
    <message>
        <source>The type is missing.</source>
        <translation>缺少类型。</translation>
    </message>
    <message>
        <source>OCV is {measured} V, not {registered} V: is the cell in this slot?</source>
        <translation>实测 OCV {measured} V，而非 {registered} V：此槽位装的是这个电池吗？</translation>
    </message>
    <message>
        <source>no free slot: it goes to the queue</source>
        <translation>没有空闲槽位：将进入队列</translation>
    </message>
    <message>
        <source>There is no slot {slot}.</source>
        <translation>没有槽位 {slot}。</translation>
    </message>
    <message>
        <source>Slot {slot} is given twice.</source>
        <translation>槽位 {slot} 重复。</translation>
    </message>
    <message>
        <source>{cell} is still in the slot, unload first</source>
        <translation>{cell} 仍在该槽位，请先取出</translation>
    </message>
    <message>
        <source>{n} rows</source>
        <translation>{n} 行</translation>
    </message>
    <message>
        <source>1 question</source>
        <translation>1 个疑问</translation>
    </message>
    <message>
        <source>{n} questions</source>
        <translation>{n} 个疑问</translation>
    </message>
    <message>
        <source>{n} bad</source>
        <translation>{n} 处错误</translation>
    </message>
    <message>
        <source>No row can be saved yet.</source>
        <translation>尚无可保存的行。</translation>
    </message>
    <message>
        <source>{new} new, {changed} changed, {same} as they were</source>
        <translation>新增 {new}，更改 {changed}，未变 {same}</translation>
    </message>
    <message>
        <source>{n} not saved</source>
        <translation>未保存 {n}</translation>
    </message>
    <message>
        <source>the cell</source>
        <translation>该电池</translation>
    </message>
    <message>
        <source>{name} has changed {what} meanwhile.</source>
        <translation>{name} 已在此期间更改 {what}。</translation>
    </message>
    <message>
        <source>Keep mine</source>
        <translation>保留我的</translation>
    </message>
    <message>
        <source>Take theirs</source>
        <translation>采用对方的</translation>
    </message>
    <message>
        <source>take {cell} as it is registered</source>
        <translation>按登记采用 {cell}</translation>
    </message>
    <message>
        <source>{title} {value}: {times} × the median of the other {kind} cells in this batch ({usual}, n = {n}).</source>
        <translation>{title} {value}：是本批其他 {kind} 电池中位数（{usual}，n = {n}）的 {times} 倍。</translation>
    </message>
    <message>
        <source>{times} × median?</source>
        <translation>中位数的 {times} 倍？</translation>
    </message>
    <message>
        <source>Keep {value}</source>
        <translation>保留 {value}</translation>
    </message>
    <message>
        <source>Use {value}</source>
        <translation>改用 {value}</translation>
    </message>
    <message>
        <source>sets {current}</source>
        <translation>设定 {current}</translation>
    </message>
    <message>
        <source>Keep</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>Use</source>
        <translation>改用</translation>
    </message>
    <message>
        <source>{protocol} would set</source>
        <translation>{protocol} 将设定</translation>
    </message>
    <message>
        <source>the other {n} get about</source>
        <translation>其余 {n} 个约为</translation>
    </message>
    <message>
        <source>The cells are being saved.</source>
        <translation>正在保存电池。</translation>
    </message>
    <message>
        <source>Paste, scan or type cells first.</source>
        <translation>请先粘贴、扫描或输入电池。</translation>
    </message>
    <message>
        <source>Row {rows} needs an answer before it can be started.</source>
        <translation>第 {rows} 行须先回答才能启动。</translation>
    </message>
    <message>
        <source>No row has an id, a type and a free slot yet.</source>
        <translation>还没有任何一行具备编号、类型和空闲槽位。</translation>
    </message>
    <message>
        <source>Row {rows} needs an answer before it can be started; the other {n} can.</source>
        <translation>第 {rows} 行须先回答才能启动；其余 {n} 行可以。</translation>
    </message>
    <message>
        <source>{n} of {all} can be started now.</source>
        <translation>{all} 行中现在可启动 {n} 行。</translation>
    </message>
    <message>
        <source>a new row: type or paste</source>
        <translation>新行：输入或粘贴</translation>
    </message>
    <message>
        <source>Cells of the batch</source>
        <translation>本批电池</translation>
    </message>
    <message>
        <source>Mass by type</source>
        <translation>各类型质量</translation>
    </message>
    <message>
        <source>active mass / mg (log)</source>
        <translation>活性质量 / mg（对数）</translation>
    </message>
    <message>
        <source>Slots</source>
        <translation>槽位</translation>
    </message>
    <message>
        <source>Question {n} of {all}</source>
        <translation>问题 {n}，共 {all}</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>Batch of new rows</source>
        <translation>新行的批次</translation>
    </message>
    <message>
        <source>Assign slots in order</source>
        <translation>按顺序分配槽位</translation>
    </message>
    <message>
        <source>Remove rows</source>
        <translation>移除行</translation>
    </message>
    <message>
        <source>scan a barcode</source>
        <translation>扫描条码</translation>
    </message>
    <message>
        <source>Barcode: each Enter adds a cell, Escape ends</source>
        <translation>条码：每次回车加入一个电池，Esc 结束</translation>
    </message>
    <message>
        <source>Copy rows in a spreadsheet and press Ctrl+V here. Columns are found by their names (id, slot, type, group, mass, area, OCV, batch, protocol, note) or by what is in them; units in the head count.</source>
        <translation>在电子表格中复制若干行，在此按 Ctrl+V。列按名称（编号、槽位、类型、分组、质量、面积、OCV、批次、方案、备注）或内容识别；表头中的单位有效。</translation>
    </message>
    <message>
        <source>bar = median</source>
        <translation>竖线 = 中位数</translation>
    </message>
    <message>
        <source>press one to use it for the row</source>
        <translation>点选即用于当前行</translation>
    </message>
    <message>
        <source>Table</source>
        <translation>表格</translation>
    </message>
    <message>
        <source>Questions and slots</source>
        <translation>问题与槽位</translation>
    </message>
    <message>
        <source>Undo {what}</source>
        <translation>撤销{what}</translation>
    </message>
    <message>
        <source>Paste</source>
        <translation>粘贴</translation>
    </message>
    <message>
        <source>Scan</source>
        <translation>扫描</translation>
    </message>
    <message>
        <source>Fill down</source>
        <translation>向下填充</translation>
    </message>
    <message>
        <source>Import...</source>
        <translation>导入...</translation>
    </message>
    <message>
        <source>Save {n} cells</source>
        <translation>保存 {n} 个电池</translation>
    </message>
    <message>
        <source>The table is empty.</source>
        <translation>表格是空的。</translation>
    </message>
    <message>
        <source>Select rows first.</source>
        <translation>请先选择行。</translation>
    </message>
    <message>
        <source>Select two rows or more first (Shift).</source>
        <translation>请先选择两行以上（Shift）。</translation>
    </message>
    <message>
        <source>There is nothing to undo.</source>
        <translation>没有可撤销的操作。</translation>
    </message>
    <message>
        <source>Review and start {n}...</source>
        <translation>核对并启动 {n}...</translation>
    </message>
    <message>
        <source>{n} selected</source>
        <translation>已选 {n}</translation>
    </message>
    <message>
        <source>Cells saved: {result}</source>
        <translation>电池已保存：{result}</translation>
    </message>
    <message>
        <source>Tables (*.csv *.tsv *.txt *.xlsx)</source>
        <translation>表格 (*.csv *.tsv *.txt *.xlsx)</translation>
    </message>
    <message>
        <source>Import cells</source>
        <translation>导入电池</translation>
    </message>
</context>
<context>
    <name>channel</name>
    <message>
        <source>The station knows no such channel.</source>
        <translation>站点没有此通道。</translation>
    </message>
    <message>
        <source>rev {n}  #{hash}</source>
        <translation>版本 {n}  #{hash}</translation>
    </message>
    <message>
        <source>{name} step {n} / {all}</source>
        <translation>{name} 工步 {n} / {all}</translation>
    </message>
    <message>
        <source>cycle {n} / {all}</source>
        <translation>循环 {n} / {all}</translation>
    </message>
    <message>
        <source>Voltage</source>
        <translation>电压</translation>
    </message>
    <message>
        <source>Current</source>
        <translation>电流</translation>
    </message>
    <message>
        <source>Coulombic eff.</source>
        <translation>库仑效率</translation>
    </message>
    <message>
        <source>last complete cycle</source>
        <translation>最近完整循环</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>coarse</source>
        <translation>粗略</translation>
    </message>
    <message>
        <source>STALE</source>
        <translation>STALE</translation>
    </message>
    <message>
        <source>Step charge</source>
        <translation>工步电量</translation>
    </message>
    <message>
        <source>Last cycle</source>
        <translation>最近循环</translation>
    </message>
    <message>
        <source>set {t:.1f}</source>
        <translation>设定 {t:.1f}</translation>
    </message>
    <message>
        <source>of {time}</source>
        <translation>共 {time}</translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation>剩余 {time}</translation>
    </message>
    <message>
        <source>Step time</source>
        <translation>工步时间</translation>
    </message>
    <message>
        <source>in {time}</source>
        <translation>还有 {time}</translation>
    </message>
    <message>
        <source>due</source>
        <translation>已到时</translation>
    </message>
    <message>
        <source>Finish</source>
        <translation>结束</translation>
    </message>
    <message>
        <source>done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>now</source>
        <translation>当前</translation>
    </message>
    <message>
        <source>next</source>
        <translation>下一步</translation>
    </message>
    <message>
        <source>step time</source>
        <translation>工步时间</translation>
    </message>
    <message>
        <source>A start goes by the review.</source>
        <translation>启动须经检查表。</translation>
    </message>
    <message>
        <source>overpotential by cycle</source>
        <translation>各循环过电位</translation>
    </message>
    <message>
        <source>overpotential</source>
        <translation>过电位</translation>
    </message>
    <message>
        <source>capacity and coulombic efficiency by cycle</source>
        <translation>循环容量与库仑效率</translation>
    </message>
    <message>
        <source>80 % of cycle 1</source>
        <translation>首圈的 80 %</translation>
    </message>
    <message>
        <source>80 % of cycle 1: expected at cycle {n}, {date}</source>
        <translation>首圈的 80 %：预计第 {n} 循环，{date}</translation>
    </message>
    <message>
        <source>at most {n} times</source>
        <translation>最多 {n} 次</translation>
    </message>
    <message>
        <source>whole run, {time}</source>
        <translation>全程 {time}</translation>
    </message>
    <message>
        <source>trip {value} ({layer})</source>
        <translation>跳闸 {value}（{layer}）</translation>
    </message>
    <message>
        <source>Show in EIS</source>
        <translation>在 EIS 中显示</translation>
    </message>
    <message>
        <source>Send to EIS…</source>
        <translation>送去测 EIS…</translation>
    </message>
    <message>
        <source>No channel is shown.</source>
        <translation>未显示任何通道。</translation>
    </message>
    <message>
        <source>More</source>
        <translation>更多</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>Snapshot</source>
        <translation>快照</translation>
    </message>
    <message>
        <source>Note to this run</source>
        <translation>给本次运行加备注</translation>
    </message>
    <message>
        <source>Write</source>
        <translation>写入</translation>
    </message>
    <message>
        <source>Add cycles</source>
        <translation>增加循环</translation>
    </message>
    <message>
        <source>Change protocol</source>
        <translation>修改方案</translation>
    </message>
    <message>
        <source>{act}: done</source>
        <translation>{act}：已完成</translation>
    </message>
    <message>
        <source>A spectrum is taken when the tester's present part is over.</source>
        <translation>测试仪完成当前部分后测谱。</translation>
    </message>
    <message>
        <source>The protocol is not known yet.</source>
        <translation>方案尚未读到。</translation>
    </message>
    <message>
        <source>Add cycles…</source>
        <translation>增加循环…</translation>
    </message>
    <message>
        <source>Change protocol and limits…</source>
        <translation>修改方案与限值…</translation>
    </message>
    <message>
        <source>Channel</source>
        <translation>通道</translation>
    </message>
    <message>
        <source>predicted</source>
        <translation>预测</translation>
    </message>
    <message>
        <source>cycle {n}</source>
        <translation>第 {n} 循环</translation>
    </message>
    <message>
        <source>cycle number</source>
        <translation>循环序号</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Nothing is written yet.</source>
        <translation>还没有写内容。</translation>
    </message>
    <message>
        <source>Add cycles to {name}</source>
        <translation>给 {name} 增加循环</translation>
    </message>
    <message>
        <source>Cycles more</source>
        <translation>增加的循环数</translation>
    </message>
    <message>
        <source>Reason</source>
        <translation>原因</translation>
    </message>
    <message>
        <source>The last loop goes on for so many more; taken over at the next boundary between segments.</source>
        <translation>最后一个循环段再多做这么多次；在下一个段边界生效。</translation>
    </message>
    <message>
        <source>Add</source>
        <translation>增加</translation>
    </message>
    <message>
        <source>Change the protocol of {name}</source>
        <translation>修改 {name} 的方案</translation>
    </message>
    <message>
        <source>Protocol</source>
        <translation>方案</translation>
    </message>
    <message>
        <source>Reason, for the journal</source>
        <translation>原因（写入日志）</translation>
    </message>
    <message>
        <source>Steps, limits and loops that have not begun may change. The new revision is taken over at the next boundary between segments; what has begun stays as it is.</source>
        <translation>尚未开始的工步、限值和循环可以修改。新版本在下一个段边界生效；已经开始的保持不变。</translation>
    </message>
    <message>
        <source>Save revision</source>
        <translation>保存版本</translation>
    </message>
    <message>
        <source>Nothing is changed yet.</source>
        <translation>还没有任何修改。</translation>
    </message>
    <message>
        <source>Say why; it goes into the journal.</source>
        <translation>请说明原因；会写入日志。</translation>
    </message>
    <message>
        <source>Export the plot</source>
        <translation>导出图形</translation>
    </message>
    <message>
        <source>Kind of file</source>
        <translation>文件类型</translation>
    </message>
    <message>
        <source>Width</source>
        <translation>宽度</translation>
    </message>
    <message>
        <source>File</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Browse…</source>
        <translation>浏览…</translation>
    </message>
    <message>
        <source>The data that are drawn are saved beside it as CSV. Figures are white, 7 pt, fonts embedded.</source>
        <translation>图中数据同时存为 CSV。图为白底，7 pt，嵌入字体。</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Channel before</source>
        <translation>上一个通道</translation>
    </message>
    <message>
        <source>Channel after</source>
        <translation>下一个通道</translation>
    </message>
    <message>
        <source>predicted …</source>
        <translation>预测 …</translation>
    </message>
    <message>
        <source>The prediction is being made.</source>
        <translation>正在计算预测曲线。</translation>
    </message>
    <message>
        <source>Nothing runs here: there is nothing to predict.</source>
        <translation>这里没有运行，无可预测。</translation>
    </message>
    <message>
        <source>The first cycle is not closed yet.</source>
        <translation>第一个循环尚未完成。</translation>
    </message>
    <message>
        <source>Plots</source>
        <translation>图形</translation>
    </message>
    <message>
        <source>Plot</source>
        <translation>图</translation>
    </message>
    <message>
        <source>What stands on x</source>
        <translation>横轴</translation>
    </message>
    <message>
        <source>Logarithmic x (X in the plot)</source>
        <translation>横轴对数（图中按 X）</translation>
    </message>
    <message>
        <source>Logarithmic y (L in the plot)</source>
        <translation>纵轴对数（图中按 L）</translation>
    </message>
    <message>
        <source>follow live</source>
        <translation>跟随实时</translation>
    </message>
    <message>
        <source>Keep the newest point in view (R in the plot)</source>
        <translation>保持最新点可见（图中按 R）</translation>
    </message>
    <message>
        <source>Steps</source>
        <translation>工步</translation>
    </message>
    <message>
        <source>Nothing runs in this channel.</source>
        <translation>此通道没有运行。</translation>
    </message>
    <message>
        <source>loading …</source>
        <translation>读取中 …</translation>
    </message>
    <message>
        <source>step</source>
        <translation>工步</translation>
    </message>
    <message>
        <source>set</source>
        <translation>设定</translation>
    </message>
    <message>
        <source>until</source>
        <translation>截止</translation>
    </message>
    <message>
        <source>Limits</source>
        <translation>限值</translation>
    </message>
    <message>
        <source>{share:.0f} % of the way to the limit</source>
        <translation>已用去到限值的 {share:.0f} %</translation>
    </message>
    <message>
        <source>tightest layer shown</source>
        <translation>显示最严一层</translation>
    </message>
    <message>
        <source>quantity</source>
        <translation>项目</translation>
    </message>
    <message>
        <source>limit</source>
        <translation>限值</translation>
    </message>
    <message>
        <source>layer</source>
        <translation>层级</translation>
    </message>
    <message>
        <source>room</source>
        <translation>余量</translation>
    </message>
    <message>
        <source>Events of this run</source>
        <translation>本次运行事件</translation>
    </message>
    <message>
        <source>Which events</source>
        <translation>哪些事件</translation>
    </message>
    <message>
        <source>raw last frame</source>
        <translation>最后一帧</translation>
    </message>
    <message>
        <source>cycles {list}</source>
        <translation>循环 {list}</translation>
    </message>
    <message>
        <source>voltage</source>
        <translation>电压</translation>
    </message>
    <message>
        <source>capacity</source>
        <translation>容量</translation>
    </message>
    <message>
        <source>No cycle is there yet.</source>
        <translation>还没有循环。</translation>
    </message>
    <message>
        <source>Cycles</source>
        <translation>循环</translation>
    </message>
    <message>
        <source>Cycles, as a list: 1,2,5,10:100:10</source>
        <translation>循环列表：1,2,5,10:100:10</translation>
    </message>
    <message>
        <source>Range of cycles</source>
        <translation>循环范围</translation>
    </message>
    <message>
        <source>Whole run</source>
        <translation>全程</translation>
    </message>
    <message>
        <source>measured</source>
        <translation>实测</translation>
    </message>
    <message>
        <source>last {n} cycles</source>
        <translation>最近 {n} 个循环</translation>
    </message>
    <message>
        <source>cycles {a:.1f} to {b:.1f}</source>
        <translation>第 {a:.1f} 至 {b:.1f} 循环</translation>
    </message>
    <message>
        <source>{span} of the run</source>
        <translation>其中 {span}</translation>
    </message>
    <message>
        <source>now {value}</source>
        <translation>当前 {value}</translation>
    </message>
    <message>
        <source>current</source>
        <translation>电流</translation>
    </message>
    <message>
        <source>test time</source>
        <translation>测试时间</translation>
    </message>
    <message>
        <source>back-filled</source>
        <translation>补传</translation>
    </message>
    <message>
        <source>No station answers</source>
        <translation>没有工作站应答</translation>
    </message>
    <message>
        <source>The channel is shown when it does.</source>
        <translation>应答后即显示通道。</translation>
    </message>
    <message>
        <source>No channel is chosen</source>
        <translation>未选择通道</translation>
    </message>
    <message>
        <source>Open one from the station.</source>
        <translation>请从工位页打开一个通道。</translation>
    </message>
    <message>
        <source>Connect an instrument, or try the virtual bench.</source>
        <translation>请连接仪器，或试用虚拟台架。</translation>
    </message>
    <message>
        <source>This station has no channels</source>
        <translation>此工作站没有通道</translation>
    </message>
    <message>
        <source>Steps, limits, events</source>
        <translation>工步、限值、事件</translation>
    </message>
    <message>
        <source>The figure was not written.</source>
        <translation>图形未写入。</translation>
    </message>
    <message>
        <source>Choose another folder.</source>
        <translation>请选择其他文件夹。</translation>
    </message>
    <message>
        <source>Written: {files}</source>
        <translation>已写入：{files}</translation>
    </message>
    <message>
        <source>Snapshot: {values}</source>
        <translation>快照：{values}</translation>
    </message>
    <message>
        <source>A picture of the view is on the clipboard.</source>
        <translation>视图图片已在剪贴板。</translation>
    </message>
    <message>
        <source>Plot {name}</source>
        <translation>图 {name}</translation>
    </message>
    <message>
        <source>Show {label} {cell}</source>
        <translation>显示 {label} {cell}</translation>
    </message>
</context>
<context>
    <name>compare</name>
    <message>
        <source>short</source>
        <translation>短路</translation>
    </message>
    <message>
        <source>dead</source>
        <translation>失效</translation>
    </message>
    <message>
        <source>tripped</source>
        <translation>跳闸</translation>
    </message>
    <message>
        <source>protected</source>
        <translation>保护停机</translation>
    </message>
    <message>
        <source>add {n} runs</source>
        <translation>添加 {n} 个试验</translation>
    </message>
    <message>
        <source>take a comparison over</source>
        <translation>接收一个对比</translation>
    </message>
    <message>
        <source>remove runs</source>
        <translation>移除试验</translation>
    </message>
    <message>
        <source>change {what}</source>
        <translation>更改 {what}</translation>
    </message>
    <message>
        <source>rename a group</source>
        <translation>重命名分组</translation>
    </message>
    <message>
        <source>colour of a group</source>
        <translation>分组颜色</translation>
    </message>
    <message>
        <source>change the plots</source>
        <translation>更改图</translation>
    </message>
    <message>
        <source>cannot be read</source>
        <translation>无法读取</translation>
    </message>
    <message>
        <source>alive {h} h</source>
        <translation>存活 {h} h</translation>
    </message>
    <message>
        <source>{kept} % at {n}</source>
        <translation>{n} 圈 {kept} %</translation>
    </message>
    <message>
        <source>{n} cycles</source>
        <translation>{n} 个循环</translation>
    </message>
    <message>
        <source>no active mass is registered</source>
        <translation>未登记活性物质质量</translation>
    </message>
    <message>
        <source>no area is registered</source>
        <translation>未登记面积</translation>
    </message>
    <message>
        <source>raw</source>
        <translation>原始</translation>
    </message>
    <message>
        <source>capacity</source>
        <translation>容量</translation>
    </message>
    <message>
        <source>specific capacity</source>
        <translation>比容量</translation>
    </message>
    <message>
        <source>areal capacity</source>
        <translation>面容量</translation>
    </message>
    <message>
        <source>pristine</source>
        <translation>原始锂</translation>
    </message>
    <message>
        <source>no batch</source>
        <translation>无批次</translation>
    </message>
    <message>
        <source>{film}-coated</source>
        <translation>{film} 包覆</translation>
    </message>
    <message>
        <source>cell</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>What the overlay draws</source>
        <translation>叠加图绘制的内容</translation>
    </message>
    <message>
        <source>Cycle overlay</source>
        <translation>循环叠加</translation>
    </message>
    <message>
        <source>cycle</source>
        <translation>循环</translation>
    </message>
    <message>
        <source>auto</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>Unit of charges</source>
        <translation>电量单位</translation>
    </message>
    <message>
        <source>colour</source>
        <translation>颜色</translation>
    </message>
    <message>
        <source>group</source>
        <translation>分组</translation>
    </message>
    <message>
        <source>dash</source>
        <translation>线型</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>cycles 1,2,5,10:100:10</source>
        <translation>循环 1,2,5,10:100:10</translation>
    </message>
    <message>
        <source>Cycles to overlay</source>
        <translation>要叠加的循环</translation>
    </message>
    <message>
        <source>mean ± s</source>
        <translation>均值 ± s</translation>
    </message>
    <message>
        <source>View</source>
        <translation>视图</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Report...</source>
        <translation>报告…</translation>
    </message>
    <message>
        <source>Export figure...</source>
        <translation>导出图…</translation>
    </message>
    <message>
        <source>cycle range</source>
        <translation>循环范围</translation>
    </message>
    <message>
        <source>Cycle range</source>
        <translation>循环范围</translation>
    </message>
    <message>
        <source>Figures of cells and groups</source>
        <translation>电池与分组的数值</translation>
    </message>
    <message>
        <source>Add cells...</source>
        <translation>添加电池…</translation>
    </message>
    <message>
        <source>Select channels</source>
        <translation>选择通道</translation>
    </message>
    <message>
        <source>Nothing is compared yet</source>
        <translation>尚无对比</translation>
    </message>
    <message>
        <source>Choose two groups of cells, for example pristine and coated: running and ended tests alike. Comparing reads data only; no run is touched.</source>
        <translation>选择两组电池，例如未包覆与包覆；运行中或已结束均可。对比只读取数据，不影响运行。</translation>
    </message>
    <message>
        <source>Add cells first.</source>
        <translation>请先添加电池。</translation>
    </message>
    <message>
        <source>Colour is the {what}, dash is the cell.</source>
        <translation>颜色表示{what}，线型表示电池。</translation>
    </message>
    <message>
        <source>Colour is the {what}.</source>
        <translation>颜色表示{what}。</translation>
    </message>
    <message>
        <source>Without mass or area, not drawn: {names}</source>
        <translation>缺少质量或面积，未绘制：{names}</translation>
    </message>
    <message>
        <source>plots</source>
        <translation>图</translation>
    </message>
    <message>
        <source>figures</source>
        <translation>数值</translation>
    </message>
    <message>
        <source>overlay</source>
        <translation>叠加</translation>
    </message>
    <message>
        <source>Plots or figures</source>
        <translation>图或数值</translation>
    </message>
    <message>
        <source>Rename (F2)</source>
        <translation>重命名 (F2)</translation>
    </message>
    <message>
        <source>Hide or show (Space)</source>
        <translation>隐藏或显示 (空格)</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>取消固定</translation>
    </message>
    <message>
        <source>Pin: drawn in the overlay</source>
        <translation>固定：在叠加图中绘制</translation>
    </message>
    <message>
        <source>Move to group</source>
        <translation>移到分组</translation>
    </message>
    <message>
        <source>New group...</source>
        <translation>新分组…</translation>
    </message>
    <message>
        <source>Colour of the group</source>
        <translation>分组颜色</translation>
    </message>
    <message>
        <source>Colour {n}</source>
        <translation>颜色 {n}</translation>
    </message>
    <message>
        <source>Take out (Del)</source>
        <translation>移出 (Del)</translation>
    </message>
    <message>
        <source>New group</source>
        <translation>新分组</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Move plots together</source>
        <translation>联动各图</translation>
    </message>
    <message>
        <source>Tests of a cell one behind another</source>
        <translation>同一电池的测试首尾相接</translation>
    </message>
    <message>
        <source>Colour by cell</source>
        <translation>按电池着色</translation>
    </message>
    <message>
        <source>Dash by cell</source>
        <translation>按电池区分线型</translation>
    </message>
    <message>
        <source>Fit all</source>
        <translation>全部适应</translation>
    </message>
    <message>
        <source>Save figure</source>
        <translation>保存图</translation>
    </message>
    <message>
        <source>The figure is not saved</source>
        <translation>图未保存</translation>
    </message>
    <message>
        <source>Saved {files}</source>
        <translation>已保存 {files}</translation>
    </message>
    <message>
        <source>The table is copied</source>
        <translation>表格已复制</translation>
    </message>
    <message>
        <source>The figure is copied</source>
        <translation>图已复制</translation>
    </message>
    <message>
        <source>Add cells to compare...</source>
        <translation>添加要对比的电池…</translation>
    </message>
    <message>
        <source>Charges in {unit}</source>
        <translation>电量单位 {unit}</translation>
    </message>
    <message>
        <source>batch</source>
        <translation>批次</translation>
    </message>
    <message>
        <source>protocol</source>
        <translation>流程</translation>
    </message>
    <message>
        <source>state</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>cycles</source>
        <translation>循环</translation>
    </message>
    <message>
        <source>test time</source>
        <translation>测试时间</translation>
    </message>
    <message>
        <source>all runs</source>
        <translation>全部运行</translation>
    </message>
    <message>
        <source>selected channels</source>
        <translation>所选通道</translation>
    </message>
    <message>
        <source>running</source>
        <translation>运行中</translation>
    </message>
    <message>
        <source>ended</source>
        <translation>已结束</translation>
    </message>
    <message>
        <source>coating</source>
        <translation>包覆</translation>
    </message>
    <message>
        <source>compared already</source>
        <translation>已在对比中</translation>
    </message>
    <message>
        <source>Add runs to compare</source>
        <translation>添加要对比的运行</translation>
    </message>
    <message>
        <source>Search cell, group, batch, protocol</source>
        <translation>搜索电池、分组、批次、流程</translation>
    </message>
    <message>
        <source>from</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>group by</source>
        <translation>分组依据</translation>
    </message>
    <message>
        <source>Runs</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>Mark all shown</source>
        <translation>全部勾选</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Add</source>
        <translation>添加</translation>
    </message>
    <message>
        <source>all</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Add {n}</source>
        <translation>添加 {n}</translation>
    </message>
    <message>
        <source>{n} runs shown, {m} marked</source>
        <translation>显示 {n} 个运行，已勾选 {m} 个</translation>
    </message>
    <message>
        <source>What plot {letter} draws</source>
        <translation>图 {letter} 绘制的内容</translation>
    </message>
    <message>
        <source>Copy, save, axes</source>
        <translation>复制、保存、坐标轴</translation>
    </message>
    <message>
        <source>Copy as image</source>
        <translation>复制为图像</translation>
    </message>
    <message>
        <source>Copy as vector</source>
        <translation>复制为矢量图</translation>
    </message>
    <message>
        <source>Copy data</source>
        <translation>复制数据</translation>
    </message>
    <message>
        <source>Save figure...</source>
        <translation>保存图…</translation>
    </message>
    <message>
        <source>Log x (X)</source>
        <translation>x 对数 (X)</translation>
    </message>
    <message>
        <source>Log y (L)</source>
        <translation>y 对数 (L)</translation>
    </message>
    <message>
        <source>Cursors A and B (C)</source>
        <translation>游标 A 和 B (C)</translation>
    </message>
    <message>
        <source>Fit (F)</source>
        <translation>适应 (F)</translation>
    </message>
    <message>
        <source>Cells</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>Compared cells</source>
        <translation>对比的电池</translation>
    </message>
    <message>
        <source>Life</source>
        <translation>寿命</translation>
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
        <translation>请填写原因，将记入日志。</translation>
    </message>
    <message>
        <source>and {n} more</source>
        <translation>另有 {n} 个</translation>
    </message>
    <message>
        <source>Stop {name}?</source>
        <translation>停止 {name}？</translation>
    </message>
    <message>
        <source>Stop {n} running cells?</source>
        <translation>停止 {n} 个运行中的电池？</translation>
    </message>
    <message>
        <source>The output goes off now. A stopped run cannot be resumed; its rows are kept.</source>
        <translation>输出将立即关闭。停止的试验不能继续；已有数据保留。</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Stop {n}</source>
        <translation>停止 {n} 个</translation>
    </message>
    <message>
        <source>Let run</source>
        <translation>继续运行</translation>
    </message>
    <message>
        <source>Type {n} to stop {n} cells.</source>
        <translation>输入 {n} 以停止 {n} 个电池。</translation>
    </message>
    <message>
        <source>Jump to the next step?</source>
        <translation>跳到下一工步？</translation>
    </message>
    <message>
        <source>The present step ends here and is not made up for; the next one begins at once.</source>
        <translation>当前工步到此结束且不会补做；下一工步立即开始。</translation>
    </message>
    <message>
        <source>Jump</source>
        <translation>跳转</translation>
    </message>
    <message>
        <source>Stay in the step</source>
        <translation>留在本工步</translation>
    </message>
    <message>
        <source>The channel may be energised again.</source>
        <translation>该通道可再次通电。</translation>
    </message>
    <message>
        <source>Reset the trip of {name}?</source>
        <translation>复位 {name} 的跳闸？</translation>
    </message>
    <message>
        <source>Let the queue of {name} go on?</source>
        <translation>让 {name} 的队列继续？</translation>
    </message>
    <message>
        <source>Reset</source>
        <translation>复位</translation>
    </message>
    <message>
        <source>Leave it off</source>
        <translation>保持关闭</translation>
    </message>
    <message>
        <source>Type {name} to reset it.</source>
        <translation>输入 {name} 以复位。</translation>
    </message>
    <message>
        <source>Release Stop all?</source>
        <translation>解除“全部停止”？</translation>
    </message>
    <message>
        <source>by {name}: {reason}</source>
        <translation>{name}：{reason}</translation>
    </message>
    <message>
        <source>Outputs may be switched on again. Nothing restarts by itself.</source>
        <translation>可再次打开输出。不会自动重启任何试验。</translation>
    </message>
    <message>
        <source>Release</source>
        <translation>解除</translation>
    </message>
    <message>
        <source>Keep all off</source>
        <translation>保持全部关闭</translation>
    </message>
    <message>
        <source>Type the word release.</source>
        <translation>请输入单词 release。</translation>
    </message>
    <message>
        <source>Remove {n} from the queue?</source>
        <translation>从队列移除 {n} 项？</translation>
    </message>
    <message>
        <source>Remove {name} from the queue?</source>
        <translation>从队列移除 {name}？</translation>
    </message>
    <message>
        <source>It will not start. To have it again it must be queued anew.</source>
        <translation>它将不会启动。需要时必须重新排队。</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Keep it</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>Type {n} to remove {n} items.</source>
        <translation>输入 {n} 以移除 {n} 项。</translation>
    </message>
    <message>
        <source>Take this alarm out of service?</source>
        <translation>停用此报警？</translation>
    </message>
    <message>
        <source>Nobody is told of it until a person puts it back into service.</source>
        <translation>在有人重新启用之前，不会通知任何人。</translation>
    </message>
    <message>
        <source>Take out</source>
        <translation>停用</translation>
    </message>
    <message>
        <source>Take away the access of {name}?</source>
        <translation>取消 {name} 的访问权限？</translation>
    </message>
    <message>
        <source>The token ends at once; a new one must be given to come back.</source>
        <translation>令牌立即失效；恢复访问须发放新令牌。</translation>
    </message>
    <message>
        <source>Take away</source>
        <translation>取消权限</translation>
    </message>
</context>
<context>
    <name>cycles</name>
    <message>
        <source>“{part}” is no cycle; write 1,2,5 or 10:100:10.</source>
        <translation>“{part}”不是循环；请写成 1,2,5 或 10:100:10。</translation>
    </message>
    <message>
        <source>“{part}” names no cycle.</source>
        <translation>“{part}”不含任何循环。</translation>
    </message>
    <message>
        <source>More than {n} cycles; choose fewer, for example every tenth.</source>
        <translation>超过 {n} 个循环；请少选一些，例如每十个取一个。</translation>
    </message>
</context>
<context>
    <name>deeds</name>
    <message>
        <source>Start...</source>
        <translation>启动...</translation>
    </message>
    <message>
        <source>Pause at step end</source>
        <translation>步末暂停</translation>
    </message>
    <message>
        <source>Pause now</source>
        <translation>立即暂停</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Jump to next step...</source>
        <translation>跳到下一步...</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Take cell out</source>
        <translation>取出电池</translation>
    </message>
    <message>
        <source>Reset trip...</source>
        <translation>复位跳闸...</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>启动</translation>
    </message>
    <message>
        <source>Jump</source>
        <translation>跳转</translation>
    </message>
    <message>
        <source>Reset</source>
        <translation>复位</translation>
    </message>
    <message>
        <source>{act} is off: one channel at a time.</source>
        <translation>“{act}”不可用：一次只能一个通道。</translation>
    </message>
    <message>
        <source>Meanwhile another run has begun on {names}: look again.</source>
        <translation>{names} 上已开始另一个测试：请再看一次。</translation>
    </message>
    <message>
        <source>A start goes by the review.</source>
        <translation>启动须经过审核。</translation>
    </message>
    <message>
        <source>{n} of {all} {how}</source>
        <translation>{all} 个中 {n} 个{how}</translation>
    </message>
    <message>
        <source> and {n} more</source>
        <translation> 等另外 {n} 个</translation>
    </message>
    <message>
        <source>Look at the instrument: nobody knows whether it was done.</source>
        <translation>请查看仪器：没有人知道是否已执行。</translation>
    </message>
</context>
<context>
    <name>eis</name>
    <message>
        <source>cycle {n}</source>
        <translation>循环 {n}</translation>
    </message>
    <message>
        <source>fresh</source>
        <translation>初始</translation>
    </message>
    <message>
        <source>live</source>
        <translation>进行中</translation>
    </message>
    <message>
        <source>{n} points</source>
        <translation>{n} 点</translation>
    </message>
    <message>
        <source>shorted</source>
        <translation>短路</translation>
    </message>
    <message>
        <source>not valid</source>
        <translation>无效</translation>
    </message>
    <message>
        <source>not fitted</source>
        <translation>未拟合</translation>
    </message>
    <message>
        <source>valid</source>
        <translation>有效</translation>
    </message>
    <message>
        <source>Look at another spectrum</source>
        <translation>查看另一条谱</translation>
    </message>
    <message>
        <source>Show or hide a spectrum</source>
        <translation>显示或隐藏一条谱</translation>
    </message>
    <message>
        <source>Show or hide the fit</source>
        <translation>显示或隐藏拟合</translation>
    </message>
    <message>
        <source>with {owner}</source>
        <translation>在 {owner}</translation>
    </message>
    <message>
        <source>leads are moved</source>
        <translation>正在移线</translation>
    </message>
    <message>
        <source>Nobody is asked to move leads now.</source>
        <translation>现在不需要移线。</translation>
    </message>
    <message>
        <source>There is no difference to accept.</source>
        <translation>没有需要接受的差异。</translation>
    </message>
    <message>
        <source>Say why it may be so; it goes into the journal.</source>
        <translation>请说明理由，它会写入日志。</translation>
    </message>
    <message>
        <source>No spectrum of this cell waits or runs.</source>
        <translation>该电池没有等待或进行中的谱。</translation>
    </message>
    <message>
        <source>The cell is on its way back already.</source>
        <translation>电池已在返回途中。</translation>
    </message>
    <message>
        <source>This cell is at no potentiostat.</source>
        <translation>该电池不在任何恒电位仪上。</translation>
    </message>
    <message>
        <source>The cell switch of {name} is off, as read back.</source>
        <translation>{name} 的电池开关已断开（已回读）。</translation>
    </message>
    <message>
        <source>It was sent; the answer is awaited.</source>
        <translation>已发送，正在等待回应。</translation>
    </message>
    <message>
        <source>Leads are moved</source>
        <translation>已移线</translation>
    </message>
    <message>
        <source>Skip spectrum</source>
        <translation>跳过此谱</translation>
    </message>
    <message>
        <source>Stop, cell off</source>
        <translation>停止并断开电池</translation>
    </message>
    <message>
        <source>{name} switches the cell off now. The {n} points so far are kept; then the cell goes back.</source>
        <translation>{name} 立即断开电池。已测的 {n} 点会保留，随后电池返回。</translation>
    </message>
    <message>
        <source>Stop the spectrum of {cell}?</source>
        <translation>停止 {cell} 的测量？</translation>
    </message>
    <message>
        <source>Let it measure</source>
        <translation>继续测量</translation>
    </message>
    <message>
        <source>The cell is switched off at the potentiostat and goes back; the run goes on without a spectrum.</source>
        <translation>恒电位仪断开电池，电池返回；运行继续，没有这条谱。</translation>
    </message>
    <message>
        <source>Skip this spectrum of {cell}?</source>
        <translation>跳过 {cell} 的这条谱？</translation>
    </message>
    <message>
        <source>Keep it</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>point</source>
        <translation>点</translation>
    </message>
    <message>
        <source>of {n}</source>
        <translation>共 {n}</translation>
    </message>
    <message>
        <source>f {f}, left {time}</source>
        <translation>f {f}，剩余 {time}</translation>
    </message>
    <message>
        <source>phase {deg}°</source>
        <translation>相位 {deg}°</translation>
    </message>
    <message>
        <source>at the potentiostat</source>
        <translation>恒电位仪处</translation>
    </message>
    <message>
        <source>overload</source>
        <translation>过载</translation>
    </message>
    <message>
        <source>points</source>
        <translation>点</translation>
    </message>
    <message>
        <source>overloaded now</source>
        <translation>现在过载</translation>
    </message>
    <message>
        <source>none now</source>
        <translation>现在没有</translation>
    </message>
    <message>
        <source>range</source>
        <translation>量程</translation>
    </message>
    <message>
        <source>current, full scale</source>
        <translation>电流满量程</translation>
    </message>
    <message>
        <source>KK residual</source>
        <translation>KK 残差</translation>
    </message>
    <message>
        <source>cell switch</source>
        <translation>电池开关</translation>
    </message>
    <message>
        <source>read back</source>
        <translation>已回读</translation>
    </message>
    <message>
        <source>{age} ago</source>
        <translation>{age} 前</translation>
    </message>
    <message>
        <source>taken</source>
        <translation>测量时间</translation>
    </message>
    <message>
        <source>Z′ at {f}</source>
        <translation>Z′（{f}）</translation>
    </message>
    <message>
        <source>is being tested</source>
        <translation>正在检验</translation>
    </message>
    <message>
        <source>{n} overloaded</source>
        <translation>{n} 点过载</translation>
    </message>
    <message>
        <source>after it {moved} mV</source>
        <translation>测后 {moved} mV</translation>
    </message>
    <message>
        <source>not resolved</source>
        <translation>无法分辨</translation>
    </message>
    <message>
        <source>± {n} %</source>
        <translation>± {n} %</translation>
    </message>
    <message>
        <source>not to be told apart</source>
        <translation>两者无法区分</translation>
    </message>
    <message>
        <source>A value is missing.</source>
        <translation>缺少数值。</translation>
    </message>
    <message>
        <source>It must be above 0.</source>
        <translation>必须大于 0。</translation>
    </message>
    <message>
        <source>{name} reaches from {low} to {high}.</source>
        <translation>{name} 的范围为 {low} 至 {high}。</translation>
    </message>
    <message>
        <source>A sweep goes from the high frequency to the low one.</source>
        <translation>扫频从高频到低频。</translation>
    </message>
    <message>
        <source>Points per decade are a whole number up to {n}.</source>
        <translation>每十倍频点数为不超过 {n} 的整数。</translation>
    </message>
    <message>
        <source>More than 100 mV rms is no small signal: the answer would not be the cell's impedance.</source>
        <translation>超过 100 mV rms 已不是小信号：结果不再是电池的阻抗。</translation>
    </message>
    <message>
        <source>Another run is in the channel now: look again.</source>
        <translation>通道里现在是另一个运行：请再看一遍。</translation>
    </message>
    <message>
        <source>Send to EIS</source>
        <translation>送去测 EIS</translation>
    </message>
    <message>
        <source>waits</source>
        <translation>等待</translation>
    </message>
    <message>
        <source>on the way there</source>
        <translation>前往途中</translation>
    </message>
    <message>
        <source>OCV is compared</source>
        <translation>正在比对 OCV</translation>
    </message>
    <message>
        <source>is measured</source>
        <translation>正在测量</translation>
    </message>
    <message>
        <source>on the way back</source>
        <translation>返回途中</translation>
    </message>
    <message>
        <source>whole</source>
        <translation>完整</translation>
    </message>
    <message>
        <source>broken off</source>
        <translation>中断</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>CH {label}</source>
        <translation>通道 {label}</translation>
    </message>
    <message>
        <source>channel {label}</source>
        <translation>通道 {label}</translation>
    </message>
    <message>
        <source>Move the leads of {cell} from {begin} to {end}</source>
        <translation>把 {cell} 的线从 {begin} 移到 {end}</translation>
    </message>
    <message>
        <source>1  Take all leads of {cell} off {begin}: both instruments are off, as read back.</source>
        <translation>1  从 {begin} 取下 {cell} 的全部线：两台仪器均已断开（已回读）。</translation>
    </message>
    <message>
        <source>2  Connect them to {end}: working lead to the positive side, its sense beside it.</source>
        <translation>2  接到 {end}：工作电极线接正极，感测线紧靠其旁。</translation>
    </message>
    <message>
        <source>3  Confirm here. The open circuit is measured and compared before anything is driven.</source>
        <translation>3  在此确认。先测量并比对开路电压，之后才会加激励。</translation>
    </message>
    <message>
        <source>not known</source>
        <translation>未知</translation>
    </message>
    <message>
        <source>does not answer</source>
        <translation>无应答</translation>
    </message>
    <message>
        <source>point {n} of {all}</source>
        <translation>第 {n}/{all} 点</translation>
    </message>
    <message>
        <source>free</source>
        <translation>空闲</translation>
    </message>
    <message>
        <source>you: move leads</source>
        <translation>请移线</translation>
    </message>
    <message>
        <source>you: check leads</source>
        <translation>请检查接线</translation>
    </message>
    <message>
        <source>on</source>
        <translation>接通</translation>
    </message>
    <message>
        <source>off</source>
        <translation>断开</translation>
    </message>
    <message>
        <source>too few points for a test</source>
        <translation>点太少，无法检验</translation>
    </message>
    <message>
        <source>valid so far</source>
        <translation>目前有效</translation>
    </message>
    <message>
        <source>not valid: the cell drifted during the sweep</source>
        <translation>无效：扫频期间电池漂移</translation>
    </message>
    <message>
        <source>not valid: noise or a non-linear answer</source>
        <translation>无效：噪声或非线性响应</translation>
    </message>
    <message>
        <source>rms {rms} % of at most {limit} %</source>
        <translation>rms {rms} %，上限 {limit} %</translation>
    </message>
    <message>
        <source>shorted: {reason}</source>
        <translation>短路：{reason}</translation>
    </message>
    <message>
        <source>not fitted: {reason}</source>
        <translation>未拟合：{reason}</translation>
    </message>
    <message>
        <source>Spectrum of {name} out of turn</source>
        <translation>为 {name} 加测一条谱</translation>
    </message>
    <message>
        <source>The run pauses when the part that the tester works on by itself is over: the present step, or the loop that it is in. You are asked to move the leads to the potentiostat, later back; then the run goes on.</source>
        <translation>测试仪自行执行的部分（当前工步，或其所在的循环）结束后，运行暂停。系统会请您把线移到恒电位仪，之后移回；随后运行继续。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Potentiostat</source>
        <translation>恒电位仪</translation>
    </message>
    <message>
        <source>From</source>
        <translation>从</translation>
    </message>
    <message>
        <source>to</source>
        <translation>到</translation>
    </message>
    <message>
        <source>Points per decade</source>
        <translation>每十倍频点数</translation>
    </message>
    <message>
        <source>Amplitude, rms</source>
        <translation>幅值，rms</translation>
    </message>
    <message>
        <source>Reason, for the journal</source>
        <translation>理由，写入日志</translation>
    </message>
    <message>
        <source>fitted circuit</source>
        <translation>拟合电路</translation>
    </message>
    <message>
        <source>now {f}</source>
        <translation>现在 {f}</translation>
    </message>
    <message>
        <source>equal scale, 1 : 1, locked</source>
        <translation>等比例 1 : 1，锁定</translation>
    </message>
    <message>
        <source>frequency</source>
        <translation>频率</translation>
    </message>
    <message>
        <source>−phase</source>
        <translation>−相位</translation>
    </message>
    <message>
        <source>residual</source>
        <translation>残差</translation>
    </message>
    <message>
        <source>cycle</source>
        <translation>循环</translation>
    </message>
    <message>
        <source>Fit</source>
        <translation>拟合</translation>
    </message>
    <message>
        <source>Fit: {name}</source>
        <translation>拟合：{name}</translation>
    </message>
    <message>
        <source>What is fitted stands here when the first sweep is over.</source>
        <translation>第一次扫频结束后，拟合结果显示在这里。</translation>
    </message>
    <message>
        <source>The station is fitting …</source>
        <translation>正在拟合 …</translation>
    </message>
    <message>
        <source>R SEI and R ct are not to be told apart: believe their sum</source>
        <translation>R SEI 与 R ct 无法区分：以两者之和为准</translation>
    </message>
    <message>
        <source>before: {name}</source>
        <translation>此前：{name}</translation>
    </message>
    <message>
        <source>before</source>
        <translation>此前</translation>
    </message>
    <message>
        <source>element</source>
        <translation>元件</translation>
    </message>
    <message>
        <source>value</source>
        <translation>值</translation>
    </message>
    <message>
        <source>unit</source>
        <translation>单位</translation>
    </message>
    <message>
        <source>95 % interval</source>
        <translation>95 % 区间</translation>
    </message>
    <message>
        <source>change / %</source>
        <translation>变化 / %</translation>
    </message>
    <message>
        <source>Fitted values</source>
        <translation>拟合值</translation>
    </message>
    <message>
        <source>Circuit; empty is the cell's own. Enter fits.</source>
        <translation>等效电路；留空为电池自身的电路，回车拟合。</translation>
    </message>
    <message>
        <source>Copy, save, axes</source>
        <translation>复制、保存、坐标轴</translation>
    </message>
    <message>
        <source>data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>fit</source>
        <translation>拟合</translation>
    </message>
    <message>
        <source>What is drawn: the data alone, or with the fitted circuit</source>
        <translation>显示内容：仅数据，或同时显示拟合电路</translation>
    </message>
    <message>
        <source>Fit view</source>
        <translation>适应窗口</translation>
    </message>
    <message>
        <source>Nyquist plot, both axes at one scale</source>
        <translation>奈奎斯特图，两轴等比例</translation>
    </message>
    <message>
        <source>Size of the impedance over the frequency</source>
        <translation>阻抗模与频率</translation>
    </message>
    <message>
        <source>Phase of the impedance over the frequency</source>
        <translation>阻抗相位与频率</translation>
    </message>
    <message>
        <source>the station is testing …</source>
        <translation>正在检验 …</translation>
    </message>
    <message>
        <source>Kramers–Kronig</source>
        <translation>Kramers–Kronig</translation>
    </message>
    <message>
        <source>{n} of {all}</source>
        <translation>{n}/{all}</translation>
    </message>
    <message>
        <source>at {place}</source>
        <translation>在 {place}</translation>
    </message>
    <message>
        <source>expected {voltage} at {place}</source>
        <translation>预期 {voltage}（{place}）</translation>
    </message>
    <message>
        <source>Moved anew: compare again</source>
        <translation>已重新接线，再次比对</translation>
    </message>
    <message>
        <source>expected OCV</source>
        <translation>预期 OCV</translation>
    </message>
    <message>
        <source>measured OCV</source>
        <translation>实测 OCV</translation>
    </message>
    <message>
        <source>Why this voltage is right all the same, for the journal</source>
        <translation>说明此电压为何仍然正确，写入日志</translation>
    </message>
    <message>
        <source>Accept this voltage</source>
        <translation>接受此电压</translation>
    </message>
    <message>
        <source>Show the next prompt</source>
        <translation>显示下一个提示</translation>
    </message>
    <message>
        <source>{n} on the way</source>
        <translation>{n} 个在途</translation>
    </message>
    <message>
        <source>{n} need you</source>
        <translation>{n} 个需要您</translation>
    </message>
    <message>
        <source>Potentiostats</source>
        <translation>恒电位仪</translation>
    </message>
    <message>
        <source>Queue of the potentiostats</source>
        <translation>恒电位仪队列</translation>
    </message>
    <message>
        <source>potentiostat</source>
        <translation>恒电位仪</translation>
    </message>
    <message>
        <source>cell</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>state</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>{n} spectra</source>
        <translation>{n} 条谱</translation>
    </message>
    <message>
        <source>History</source>
        <translation>历史</translation>
    </message>
    <message>
        <source>The first spectrum of this cell is being taken.</source>
        <translation>正在测量该电池的第一条谱。</translation>
    </message>
    <message>
        <source>There is no spectrum of this cell yet.</source>
        <translation>该电池还没有谱。</translation>
    </message>
    <message>
        <source>shown (Space)</source>
        <translation>显示（空格）</translation>
    </message>
    <message>
        <source>hidden (Space)</source>
        <translation>隐藏（空格）</translation>
    </message>
    <message>
        <source>Spectra of this cell. Space shows or hides a curve.</source>
        <translation>该电池的谱。空格显示或隐藏曲线。</translation>
    </message>
    <message>
        <source>spectrum</source>
        <translation>谱</translation>
    </message>
    <message>
        <source>SEI + ct</source>
        <translation>SEI + ct</translation>
    </message>
    <message>
        <source>validity</source>
        <translation>有效性</translation>
    </message>
    <message>
        <source>asked {age} ago</source>
        <translation>{age} 前请求</translation>
    </message>
    <message>
        <source>No station answers</source>
        <translation>没有站点应答</translation>
    </message>
    <message>
        <source>Spectra are shown when it does.</source>
        <translation>站点应答后显示谱。</translation>
    </message>
    <message>
        <source>A potentiostat in the station file, or a spectrum in the store, brings this view to life.</source>
        <translation>站点文件中有恒电位仪，或存储中有谱时，此视图即可使用。</translation>
    </message>
    <message>
        <source>This station has no potentiostat and no spectrum</source>
        <translation>该站点没有恒电位仪，也没有谱</translation>
    </message>
    <message>
        <source>Cell</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>Skip spectrum, return cell</source>
        <translation>跳过此谱，电池返回</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Validity</source>
        <translation>有效性</translation>
    </message>
    <message>
        <source>Queue</source>
        <translation>队列</translation>
    </message>
    <message>
        <source>No spectrum is drawn.</source>
        <translation>没有显示谱。</translation>
    </message>
    <message>
        <source>Runs go on by themselves once their cell is back and its voltage fits.</source>
        <translation>电池返回且电压相符后，运行自动继续。</translation>
    </message>
    <message>
        <source>The figure was not written.</source>
        <translation>图未写出。</translation>
    </message>
    <message>
        <source>Choose another folder.</source>
        <translation>请选择其他文件夹。</translation>
    </message>
    <message>
        <source>Written: {files}</source>
        <translation>已写出：{files}</translation>
    </message>
    <message>
        <source>EIS</source>
        <translation>EIS</translation>
    </message>
    <message>
        <source>Show {cell}</source>
        <translation>显示 {cell}</translation>
    </message>
</context>
<context>
    <name>events</name>
    <message>
        <source>all</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>mine</source>
        <translation>我的</translation>
    </message>
    <message>
        <source>commands</source>
        <translation>命令</translation>
    </message>
    <message>
        <source>faults</source>
        <translation>故障</translation>
    </message>
    <message>
        <source>{when} wall</source>
        <translation>{when} 本机</translation>
    </message>
    <message>
        <source>Hand-over {when}: {n} running, {a} alarms open</source>
        <translation>交接班 {when}：{n} 个运行中，{a} 条未消除报警</translation>
    </message>
    <message>
        <source>Acts</source>
        <translation>操作</translation>
    </message>
    <message>
        <source>early sign</source>
        <translation>早期征兆</translation>
    </message>
    <message>
        <source>command</source>
        <translation>命令</translation>
    </message>
    <message>
        <source>time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>kind</source>
        <translation>类别</translation>
    </message>
    <message>
        <source>where</source>
        <translation>位置</translation>
    </message>
    <message>
        <source>what</source>
        <translation>内容</translation>
    </message>
    <message>
        <source>by</source>
        <translation>操作人</translation>
    </message>
    <message>
        <source>{n} events in the last 24 h</source>
        <translation>最近 24 h 共 {n} 条事件</translation>
    </message>
    <message>
        <source>24 h ago</source>
        <translation>24 h 前</translation>
    </message>
    <message>
        <source>now</source>
        <translation>现在</translation>
    </message>
    <message>
        <source>{n} events, {hours:.1f} h ago</source>
        <translation>{n} 条事件，{hours:.1f} h 前</translation>
    </message>
    <message>
        <source>Events</source>
        <translation>事件</translation>
    </message>
    <message>
        <source>Which events</source>
        <translation>显示哪些事件</translation>
    </message>
    <message>
        <source>search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>How far back</source>
        <translation>时间范围</translation>
    </message>
    <message>
        <source>all time</source>
        <translation>全部时间</translation>
    </message>
    <message>
        <source>1 h</source>
        <translation>1 h</translation>
    </message>
    <message>
        <source>8 h</source>
        <translation>8 h</translation>
    </message>
    <message>
        <source>24 h</source>
        <translation>24 h</translation>
    </message>
    <message>
        <source>7 d</source>
        <translation>7 d</translation>
    </message>
    <message>
        <source>Events, newest first</source>
        <translation>事件，最新在前</translation>
    </message>
    <message>
        <source>Nothing matches.</source>
        <translation>没有匹配项。</translation>
    </message>
    <message>
        <source>Nothing has happened yet.</source>
        <translation>尚无事件。</translation>
    </message>
</context>
<context>
    <name>figures</name>
    <message>
        <source>cycles</source>
        <translation>循环</translation>
    </message>
    <message>
        <source>Q first</source>
        <translation>首次 Q</translation>
    </message>
    <message>
        <source>Q last</source>
        <translation>末次 Q</translation>
    </message>
    <message>
        <source>kept</source>
        <translation>保持率</translation>
    </message>
    <message>
        <source>CE</source>
        <translation>CE</translation>
    </message>
    <message>
        <source>mean CE</source>
        <translation>平均 CE</translation>
    </message>
    <message>
        <source>overpotential</source>
        <translation>过电位</translation>
    </message>
    <message>
        <source>short</source>
        <translation>短路</translation>
    </message>
    <message>
        <source>above 1 V</source>
        <translation>超过 1 V</translation>
    </message>
    <message>
        <source>{group}, n = {n}</source>
        <translation>{group}，n = {n}</translation>
    </message>
    <message>
        <source>group, cell</source>
        <translation>分组、电池</translation>
    </message>
</context>
<context>
    <name>filterdialog</name>
    <message>
        <source>New filter</source>
        <translation>新建筛选</translation>
    </message>
    <message>
        <source>Edit filter</source>
        <translation>编辑筛选</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Show a channel where any of these is met:</source>
        <translation>满足以下任一条件的通道将显示：</translation>
    </message>
    <message>
        <source>Delete filter</source>
        <translation>删除筛选</translation>
    </message>
    <message>
        <source>Save filter</source>
        <translation>保存筛选</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>filterdraft</name>
    <message>
        <source>A limit is missing.</source>
        <translation>缺少限值。</translation>
    </message>
    <message>
        <source>Give the filter a name.</source>
        <translation>请给筛选起名。</translation>
    </message>
    <message>
        <source>Another filter has this name.</source>
        <translation>已有同名筛选。</translation>
    </message>
    <message>
        <source>Tick what makes a cell one to look at.</source>
        <translation>勾选哪些情况需要查看。</translation>
    </message>
    <message>
        <source>{n} of {all} channels now</source>
        <translation>目前 {all} 个通道中 {n} 个</translation>
    </message>
</context>
<context>
    <name>filters</name>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Abnormal</source>
        <translation>异常</translation>
    </message>
    <message>
        <source>Running</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>Free</source>
        <translation>空闲</translation>
    </message>
    <message>
        <source>Mine</source>
        <translation>我的</translation>
    </message>
    <message>
        <source>slot</source>
        <translation>槽位</translation>
    </message>
    <message>
        <source>age</source>
        <translation>时效</translation>
    </message>
    <message>
        <source>capacity</source>
        <translation>容量</translation>
    </message>
    <message>
        <source>rack</source>
        <translation>机架</translation>
    </message>
    <message>
        <source>batch</source>
        <translation>批次</translation>
    </message>
    <message>
        <source>capacity below {limit} % of the first</source>
        <translation>容量低于首圈的 {limit} %</translation>
    </message>
    <message>
        <source>overpotential above {limit} V</source>
        <translation>过电位高于 {limit} V</translation>
    </message>
    <message>
        <source>OCV below {limit} V</source>
        <translation>OCV 低于 {limit} V</translation>
    </message>
    <message>
        <source>CE below {limit} %</source>
        <translation>CE 低于 {limit} %</translation>
    </message>
    <message>
        <source>CE above {limit} %</source>
        <translation>CE 高于 {limit} %</translation>
    </message>
    <message>
        <source>short</source>
        <translation>短路</translation>
    </message>
    <message>
        <source>dead cells</source>
        <translation>失效电池</translation>
    </message>
    <message>
        <source>high overpotential</source>
        <translation>高过电位</translation>
    </message>
    <message>
        <source>low OCV</source>
        <translation>低 OCV</translation>
    </message>
    <message>
        <source>shorts</source>
        <translation>短路电池</translation>
    </message>
</context>
<context>
    <name>finding</name>
    <message>
        <source>typed by you</source>
        <translation>您输入的地址</translation>
    </message>
    <message>
        <source>serial port</source>
        <translation>串口</translation>
    </message>
    <message>
        <source>Type the address of the BTS PC, such as 192.168.1.20.</source>
        <translation>请输入 BTS 计算机的地址，例如 192.168.1.20。</translation>
    </message>
    <message>
        <source>“{text}” is no address; write a name or number, then a colon and the port.</source>
        <translation>“{text}”不是地址；请写名称或数字，再写冒号和端口。</translation>
    </message>
    <message>
        <source>asking</source>
        <translation>询问中</translation>
    </message>
    <message>
        <source>the port opens; nothing was sent</source>
        <translation>端口可打开；未发送任何内容</translation>
    </message>
</context>
<context>
    <name>firstrun</name>
    <message>
        <source>not known yet</source>
        <translation>尚不清楚</translation>
    </message>
    <message>
        <source>{live} of {all} answer</source>
        <translation>{all} 台中 {live} 台有响应</translation>
    </message>
    <message>
        <source>{n} registered, {m} in channels</source>
        <translation>已登记 {n} 个，{m} 个在通道中</translation>
    </message>
    <message>
        <source>{n} ready-made ones</source>
        <translation>{n} 个现成方案</translation>
    </message>
    <message>
        <source>set up</source>
        <translation>已设置</translation>
    </message>
    <message>
        <source>nobody; optional</source>
        <translation>无人；可选</translation>
    </message>
    <message>
        <source>Data folder</source>
        <translation>数据文件夹</translation>
    </message>
    <message>
        <source>{size} free</source>
        <translation>剩余 {size}</translation>
    </message>
    <message>
        <source>Instruments</source>
        <translation>仪器</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>Cells</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>paste a batch from a spreadsheet</source>
        <translation>从电子表格粘贴一批</translation>
    </message>
    <message>
        <source>Protocol</source>
        <translation>方案</translation>
    </message>
    <message>
        <source>Who is called at night</source>
        <translation>夜间通知谁</translation>
    </message>
    <message>
        <source>First run</source>
        <translation>首次试验</translation>
    </message>
    <message>
        <source>{n} running</source>
        <translation>{n} 个运行中</translation>
    </message>
    <message>
        <source>review and start</source>
        <translation>检查并启动</translation>
    </message>
    <message>
        <source>{n} of {all}</source>
        <translation>{n} / {all}</translation>
    </message>
    <message>
        <source>asking</source>
        <translation>询问中</translation>
    </message>
    <message>
        <source>optional</source>
        <translation>可选</translation>
    </message>
    <message>
        <source>Try the virtual bench</source>
        <translation>试用虚拟台架</translation>
    </message>
    <message>
        <source>A second window on simulated testers and chambers, with cells that age and a campaign running. It speaks the same bytes as the real ones; time can run faster.</source>
        <translation>另开一个窗口，连接模拟的测试仪和温箱，电池会老化，并有一组试验在运行。通信字节与真实设备相同；时间可以加快。</translation>
    </message>
    <message>
        <source>Open virtual bench</source>
        <translation>打开虚拟台架</translation>
    </message>
    <message>
        <source>Connect a Neware BTS</source>
        <translation>连接新威 BTS</translation>
    </message>
    <message>
        <source>Looks at this computer's ports and at the addresses that you type, asks who is there, and writes it into the station file. Sends no command that drives an output.</source>
        <translation>查看本机端口和您输入的地址，询问对方身份，并写进站点文件。不发送任何驱动输出的命令。</translation>
    </message>
    <message>
        <source>Find instruments...</source>
        <translation>查找仪器...</translation>
    </message>
    <message>
        <source>Import cells</source>
        <translation>导入电池</translation>
    </message>
    <message>
        <source>Paste a batch from a spreadsheet, or take a CSV or Excel file. Cells can be registered before any instrument is there.</source>
        <translation>从电子表格粘贴一批，或选用 CSV、Excel 文件。没有仪器时也可以先登记电池。</translation>
    </message>
    <message>
        <source>Import cells...</source>
        <translation>导入电池...</translation>
    </message>
    <message>
        <source>From here to the first run</source>
        <translation>从这里到首次运行</translation>
    </message>
    <message>
        <source>Help for this view</source>
        <translation>本视图的帮助</translation>
    </message>
    <message>
        <source>No instruments yet</source>
        <translation>还没有仪器</translation>
    </message>
    <message>
        <source>First steps</source>
        <translation>入门</translation>
    </message>
    <message>
        <source>Nothing is driven until you add an instrument and start a run. Try everything on the virtual bench first; it speaks the same bytes as the real one.</source>
        <translation>在您添加仪器并启动运行之前，不会驱动任何设备。可以先在虚拟台架上试用一切；它的通信字节与真实台架相同。</translation>
    </message>
    <message>
        <source>The virtual bench opens in a window of its own in a few seconds.</source>
        <translation>虚拟台架将在几秒后于独立窗口中打开。</translation>
    </message>
    <message>
        <source>It could not be started. In a terminal: labctl gui --demo</source>
        <translation>无法启动。请在终端运行：labctl gui --demo</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
    <message>
        <source>climate chamber</source>
        <translation>温箱</translation>
    </message>
    <message>
        <source>What is to be connected</source>
        <translation>要连接的设备</translation>
    </message>
    <message>
        <source>address, such as 192.168.1.20:502</source>
        <translation>地址，例如 192.168.1.20:502</translation>
    </message>
    <message>
        <source>Address of the instrument</source>
        <translation>仪器地址</translation>
    </message>
    <message>
        <source>Test address</source>
        <translation>测试地址</translation>
    </message>
    <message>
        <source>Look at this computer's ports</source>
        <translation>查看本机端口</translation>
    </message>
    <message>
        <source>Ask who it is</source>
        <translation>询问身份</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Add to the station file</source>
        <translation>写进站点文件</translation>
    </message>
    <message>
        <source>Correct number, models and time zone here, ask who it is, then add it to the station file. Asking reads and drives nothing; what is added is taken up when the station is started anew.</source>
        <translation>在这里改正编号、型号和时区，询问身份，然后写进站点文件。询问只读取，不驱动任何设备；写入的仪器在站点重新启动后启用。</translation>
    </message>
    <message>
        <source>Found</source>
        <translation>已找到</translation>
    </message>
    <message>
        <source>ports are opened at most, nothing is sent</source>
        <translation>最多打开端口，不发送任何内容</translation>
    </message>
    <message>
        <source>Instruments of the station</source>
        <translation>站点的仪器</translation>
    </message>
    <message>
        <source>For the station file</source>
        <translation>写进站点文件</translation>
    </message>
    <message>
        <source>where</source>
        <translation>位置</translation>
    </message>
    <message>
        <source>what it is</source>
        <translation>是什么</translation>
    </message>
    <message>
        <source>test</source>
        <translation>测试</translation>
    </message>
    <message>
        <source>station</source>
        <translation>站点</translation>
    </message>
    <message>
        <source>instrument</source>
        <translation>仪器</translation>
    </message>
    <message>
        <source>channels</source>
        <translation>通道</translation>
    </message>
    <message>
        <source>who it is</source>
        <translation>身份</translation>
    </message>
    <message>
        <source>looking...</source>
        <translation>查找中...</translation>
    </message>
    <message>
        <source>No serial port and no VISA address here. Testers in the network: type the address.</source>
        <translation>本机没有串口，也没有 VISA 地址。网络中的测试仪：请输入地址。</translation>
    </message>
    <message>
        <source>Select an instrument first.</source>
        <translation>请先选择一台仪器。</translation>
    </message>
    <message>
        <source>The lines for the station file are in the clipboard.</source>
        <translation>站点文件的内容已在剪贴板中。</translation>
    </message>
</context>
<context>
    <name>frames</name>
    <message>
        <source>link opened</source>
        <translation>链路打开</translation>
    </message>
    <message>
        <source>link closed</source>
        <translation>链路关闭</translation>
    </message>
    <message>
        <source>sent</source>
        <translation>发送</translation>
    </message>
    <message>
        <source>received</source>
        <translation>接收</translation>
    </message>
    <message>
        <source>no answer</source>
        <translation>无应答</translation>
    </message>
    <message>
        <source>closed by the peer</source>
        <translation>对端关闭</translation>
    </message>
    <message>
        <source>station began</source>
        <translation>工作站启动</translation>
    </message>
    <message>
        <source>identity</source>
        <translation>身份</translation>
    </message>
    <message>
        <source>not kept</source>
        <translation>未保存</translation>
    </message>
    <message>
        <source>unreadable</source>
        <translation>无法读取</translation>
    </message>
    <message>
        <source>{n} B</source>
        <translation>{n} B</translation>
    </message>
    <message>
        <source>kept in {file}</source>
        <translation>保存在 {file}</translation>
    </message>
    <message>
        <source>No frame has passed yet.</source>
        <translation>还没有帧通过。</translation>
    </message>
    <message>
        <source>There are no earlier frames.</source>
        <translation>没有更早的帧。</translation>
    </message>
    <message>
        <source>of</source>
        <translation>来自</translation>
    </message>
    <message>
        <source>Search in frames</source>
        <translation>在帧中搜索</translation>
    </message>
    <message>
        <source>follow</source>
        <translation>跟随</translation>
    </message>
    <message>
        <source>Earlier</source>
        <translation>更早</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Raw frames</source>
        <translation>原始帧</translation>
    </message>
    <message>
        <source>The chosen frame</source>
        <translation>选中的帧</translation>
    </message>
    <message>
        <source>Choose a frame to see all of it.</source>
        <translation>选择一帧查看全部内容。</translation>
    </message>
    <message>
        <source>time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>what</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>bytes</source>
        <translation>字节</translation>
    </message>
    <message>
        <source>channels</source>
        <translation>通道</translation>
    </message>
    <message>
        <source>reading</source>
        <translation>解读</translation>
    </message>
    <message>
        <source>first bytes</source>
        <translation>首部字节</translation>
    </message>
    <message>
        <source>Earlier frames</source>
        <translation>更早的帧</translation>
    </message>
</context>
<context>
    <name>grid</name>
    <message>
        <source>{name} {t:.1f} °C</source>
        <translation>{name} {t:.1f} °C</translation>
    </message>
    <message>
        <source>1 cell</source>
        <translation>1 个电池</translation>
    </message>
    <message>
        <source>{n} cells</source>
        <translation>{n} 个电池</translation>
    </message>
    <message>
        <source>no cell</source>
        <translation>无电池</translation>
    </message>
    <message>
        <source>no batch</source>
        <translation>无批次</translation>
    </message>
</context>
<context>
    <name>gridtable</name>
    <message>
        <source>slot</source>
        <translation>槽位</translation>
    </message>
    <message>
        <source>state</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>voltage</source>
        <translation>电压</translation>
    </message>
    <message>
        <source>current</source>
        <translation>电流</translation>
    </message>
    <message>
        <source>cell</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>batch</source>
        <translation>批次</translation>
    </message>
    <message>
        <source>protocol</source>
        <translation>方案</translation>
    </message>
    <message>
        <source>cycle</source>
        <translation>循环</translation>
    </message>
    <message>
        <source>kept</source>
        <translation>保持率</translation>
    </message>
    <message>
        <source>rows</source>
        <translation>记录</translation>
    </message>
    <message>
        <source>ends</source>
        <translation>结束</translation>
    </message>
    <message>
        <source>age</source>
        <translation>时效</translation>
    </message>
    <message>
        <source>says</source>
        <translation>说明</translation>
    </message>
</context>
<context>
    <name>help</name>
    <message>
        <source>Help - labctl</source>
        <translation>帮助 - labctl</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
    <message>
        <source>Help page</source>
        <translation>帮助页面</translation>
    </message>
</context>
<context>
    <name>joining</name>
    <message>
        <source>The station is asking; wait for its answer.</source>
        <translation>站点正在询问，请等待回答。</translation>
    </message>
    <message>
        <source>There are no lines: test an address first.</source>
        <translation>没有内容：请先测试一个地址。</translation>
    </message>
    <message>
        <source>asking</source>
        <translation>询问中</translation>
    </message>
    <message>
        <source>writing</source>
        <translation>写入中</translation>
    </message>
    <message>
        <source>added in the window</source>
        <translation>在窗口中添加</translation>
    </message>
    <message>
        <source>channels {places}</source>
        <translation>通道 {places}</translation>
    </message>
</context>
<context>
    <name>keys</name>
    <message>
        <source>everywhere</source>
        <translation>任何地方</translation>
    </message>
    <message>
        <source>in the channel grid</source>
        <translation>通道网格中</translation>
    </message>
    <message>
        <source>in plots</source>
        <translation>图中</translation>
    </message>
    <message>
        <source>in the alarm list</source>
        <translation>报警列表中</translation>
    </message>
    <message>
        <source>in tables</source>
        <translation>表格中</translation>
    </message>
    <message>
        <source>Stop all outputs</source>
        <translation>停止全部输出</translation>
    </message>
    <message>
        <source>Help for this view</source>
        <translation>本视图帮助</translation>
    </message>
    <message>
        <source>Edit cell, rename</source>
        <translation>编辑单元格、重命名</translation>
    </message>
    <message>
        <source>Start selected...</source>
        <translation>启动所选…</translation>
    </message>
    <message>
        <source>Pause at step end</source>
        <translation>工步结束时暂停</translation>
    </message>
    <message>
        <source>Pause now</source>
        <translation>立即暂停</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Check protocol</source>
        <translation>检查方案</translation>
    </message>
    <message>
        <source>Simulate</source>
        <translation>仿真</translation>
    </message>
    <message>
        <source>Stop selected</source>
        <translation>停止所选</translation>
    </message>
    <message>
        <source>Go to view</source>
        <translation>转到视图</translation>
    </message>
    <message>
        <source>Search, filter</source>
        <translation>搜索、筛选</translation>
    </message>
    <message>
        <source>Command palette</source>
        <translation>命令面板</translation>
    </message>
    <message>
        <source>Select</source>
        <translation>选择</translation>
    </message>
    <message>
        <source>Open detail</source>
        <translation>打开详情</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>后退</translation>
    </message>
    <message>
        <source>Forward</source>
        <translation>前进</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>重做</translation>
    </message>
    <message>
        <source>Acknowledge</source>
        <translation>确认</translation>
    </message>
    <message>
        <source>Acknowledge with comment...</source>
        <translation>附注确认…</translation>
    </message>
    <message>
        <source>Shelve...</source>
        <translation>搁置…</translation>
    </message>
    <message>
        <source>Logarithmic y</source>
        <translation>y 轴对数</translation>
    </message>
    <message>
        <source>Logarithmic x</source>
        <translation>x 轴对数</translation>
    </message>
    <message>
        <source>Fit</source>
        <translation>适应</translation>
    </message>
    <message>
        <source>Follow live</source>
        <translation>跟随最新</translation>
    </message>
    <message>
        <source>Cursors A and B</source>
        <translation>光标 A 和 B</translation>
    </message>
    <message>
        <source>Overlay list...</source>
        <translation>叠加列表…</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Export...</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>Larger text</source>
        <translation>放大文字</translation>
    </message>
    <message>
        <source>Smaller text</source>
        <translation>缩小文字</translation>
    </message>
    <message>
        <source>Normal text size</source>
        <translation>正常文字大小</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Paste</source>
        <translation>粘贴</translation>
    </message>
    <message>
        <source>Fill down</source>
        <translation>向下填充</translation>
    </message>
    <message>
        <source>Move up</source>
        <translation>上移</translation>
    </message>
    <message>
        <source>Move down</source>
        <translation>下移</translation>
    </message>
</context>
<context>
    <name>limits</name>
    <message>
        <source>charge / step</source>
        <translation>工步电量</translation>
    </message>
    <message>
        <source>step time</source>
        <translation>工步时间</translation>
    </message>
    <message>
        <source> (loosened by {name})</source>
        <translation>（由 {name} 放宽）</translation>
    </message>
    <message>
        <source>warns at {value}</source>
        <translation>{value} 时告警</translation>
    </message>
</context>
<context>
    <name>lives</name>
    <message>
        <source>short</source>
        <translation>短路</translation>
    </message>
    <message>
        <source>above 1 V</source>
        <translation>超过 1 V</translation>
    </message>
    <message>
        <source>hard short: area resistance below {r} Ω cm² in {n} cycles</source>
        <translation>硬短路：{n} 个循环面电阻低于 {r} Ω cm²</translation>
    </message>
    <message>
        <source>polarisation above {v} V</source>
        <translation>极化超过 {v} V</translation>
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
    <name>panels</name>
    <message>
        <source>V-t</source>
        <translation>V-t</translation>
    </message>
    <message>
        <source>I-t</source>
        <translation>I-t</translation>
    </message>
    <message>
        <source>V-Q</source>
        <translation>V-Q</translation>
    </message>
    <message>
        <source>dQ/dV</source>
        <translation>dQ/dV</translation>
    </message>
    <message>
        <source>Q + CE</source>
        <translation>Q + CE</translation>
    </message>
    <message>
        <source>retention</source>
        <translation>保持率</translation>
    </message>
    <message>
        <source>CE</source>
        <translation>CE</translation>
    </message>
    <message>
        <source>end V</source>
        <translation>终止电压</translation>
    </message>
    <message>
        <source>overpotential</source>
        <translation>过电位</translation>
    </message>
    <message>
        <source>ASR</source>
        <translation>面电阻</translation>
    </message>
    <message>
        <source>cycle number</source>
        <translation>循环数</translation>
    </message>
    <message>
        <source>discharge {what}</source>
        <translation>放电{what}</translation>
    </message>
    <message>
        <source>voltage</source>
        <translation>电压</translation>
    </message>
    <message>
        <source>All cells of this plot are hidden.</source>
        <translation>此图的电池均已隐藏。</translation>
    </message>
    <message>
        <source>Waiting for the station.</source>
        <translation>正在等待站点。</translation>
    </message>
    <message>
        <source>No complete cycle yet.</source>
        <translation>尚无完整循环。</translation>
    </message>
    <message>
        <source>current</source>
        <translation>电流</translation>
    </message>
    <message>
        <source>time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>capacity kept</source>
        <translation>容量保持率</translation>
    </message>
    <message>
        <source>coulombic efficiency</source>
        <translation>库仑效率</translation>
    </message>
    <message>
        <source>end voltage</source>
        <translation>终止电压</translation>
    </message>
    <message>
        <source>area resistance</source>
        <translation>面电阻</translation>
    </message>
    <message>
        <source>{group}, mean ± s, n = {n}</source>
        <translation>{group}，均值 ± s，n = {n}</translation>
    </message>
</context>
<context>
    <name>parsing</name>
    <message>
        <source>“{text}” is no number. Use a decimal point and no other signs.</source>
        <translation>“{text}”不是数。只用小数点，不用其他符号。</translation>
    </message>
    <message>
        <source>C/0 is no current.</source>
        <translation>C/0 不是电流。</translation>
    </message>
    <message>
        <source>“{text}” is no number. Write it with a decimal point, for example 0.125 {unit}.</source>
        <translation>“{text}”不是数。请用小数点书写，例如 0.125 {unit}。</translation>
    </message>
    <message>
        <source>“{text}” is too large.</source>
        <translation>“{text}”过大。</translation>
    </message>
    <message>
        <source>“{rest}” is no unit here; use {units}.</source>
        <translation>“{rest}”在此不是单位；请用 {units}。</translation>
    </message>
    <message>
        <source>“{text}” can be read in more than one way.</source>
        <translation>“{text}”有多种读法。</translation>
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
    <name>picker</name>
    <message>
        <source>running</source>
        <translation>运行中</translation>
    </message>
    <message>
        <source>Mark the runs to compare (Space).</source>
        <translation>请勾选要对比的运行（空格）。</translation>
    </message>
</context>
<context>
    <name>places</name>
    <message>
        <source>Rack {n}</source>
        <translation>机架 {n}</translation>
    </message>
</context>
<context>
    <name>plotchoice</name>
    <message>
        <source>Cycle Q + CE</source>
        <translation>循环容量 + CE</translation>
    </message>
    <message>
        <source>Overlay</source>
        <translation>叠加</translation>
    </message>
    <message>
        <source>time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>cycle</source>
        <translation>循环</translation>
    </message>
    <message>
        <source>capacity</source>
        <translation>容量</translation>
    </message>
    <message>
        <source>capacity/g</source>
        <translation>容量/g</translation>
    </message>
    <message>
        <source>capacity/cm²</source>
        <translation>容量/cm²</translation>
    </message>
    <message>
        <source>voltage</source>
        <translation>电压</translation>
    </message>
    <message>
        <source>show {plot}</source>
        <translation>显示 {plot}</translation>
    </message>
    <message>
        <source>{axis} on x</source>
        <translation>横轴 {axis}</translation>
    </message>
    <message>
        <source>logarithmic axes</source>
        <translation>对数坐标</translation>
    </message>
    <message>
        <source>predicted curve</source>
        <translation>预测曲线</translation>
    </message>
    <message>
        <source>cycles {list}</source>
        <translation>循环 {list}</translation>
    </message>
    <message>
        <source>curve {name}</source>
        <translation>曲线 {name}</translation>
    </message>
</context>
<context>
    <name>plots</name>
    <message>
        <source>Plot. L and X log axes, F fit, R follow, C cursors, arrows move.</source>
        <translation>图形。L 和 X 切换对数，F 适应，R 跟随，C 光标，方向键移动。</translation>
    </message>
    <message>
        <source>live &gt;</source>
        <translation>实时 &gt;</translation>
    </message>
    <message>
        <source>Follow the newest point again</source>
        <translation>重新跟随最新点</translation>
    </message>
    <message>
        <source>Follow the newest point again (R)</source>
        <translation>重新跟随最新点（R）</translation>
    </message>
    <message>
        <source>Copy image</source>
        <translation>复制图像</translation>
    </message>
    <message>
        <source>Copy vector</source>
        <translation>复制矢量图</translation>
    </message>
    <message>
        <source>Copy data</source>
        <translation>复制数据</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>Fit</source>
        <translation>适应窗口</translation>
    </message>
    <message>
        <source>Logarithmic x</source>
        <translation>横轴对数</translation>
    </message>
    <message>
        <source>Logarithmic y</source>
        <translation>纵轴对数</translation>
    </message>
    <message>
        <source>Cursors A and B</source>
        <translation>光标 A 和 B</translation>
    </message>
    <message>
        <source>Follow live</source>
        <translation>跟随实时</translation>
    </message>
    <message>
        <source>Curves</source>
        <translation>曲线</translation>
    </message>
    <message>
        <source>Hidden</source>
        <translation>隐藏</translation>
    </message>
    <message>
        <source>Pinned</source>
        <translation>固定</translation>
    </message>
    <message>
        <source>Name…</source>
        <translation>命名…</translation>
    </message>
    <message>
        <source>Name of the curve</source>
        <translation>曲线名称</translation>
    </message>
    <message>
        <source>gap {span}</source>
        <translation>断点 {span}</translation>
    </message>
</context>
<context>
    <name>predicted</name>
    <message>
        <source>There is no prediction for this cell and protocol.</source>
        <translation>此电池与方案没有预测曲线。</translation>
    </message>
    <message>
        <source>rehearsal on a twin of the cell: {twin}</source>
        <translation>在孪生电池上预演：{twin}</translation>
    </message>
    <message>
        <source>; cut off by its time limit</source>
        <translation>；因时限中断</translation>
    </message>
</context>
<context>
    <name>protocol</name>
    <message>
        <source>New protocol</source>
        <translation>新方案</translation>
    </message>
    <message>
        <source>Import…</source>
        <translation>导入…</translation>
    </message>
    <message>
        <source>Check</source>
        <translation>检查</translation>
    </message>
    <message>
        <source>Simulate</source>
        <translation>模拟</translation>
    </message>
    <message>
        <source>Save revision</source>
        <translation>保存版本</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>YAML text</source>
        <translation>YAML 文本</translation>
    </message>
    <message>
        <source>Head and variables</source>
        <translation>抬头与变量</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>What is it for?</source>
        <translation>这次修改的目的？</translation>
    </message>
    <message>
        <source>what has changed, and why (may stay empty)</source>
        <translation>改了什么，为什么（可留空）</translation>
    </message>
    <message>
        <source>Letters, digits, “-” and “_”; the title inside may be anything.</source>
        <translation>字母、数字、“-”和“_”；文中的标题可任意书写。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>{n} error</source>
        <translation>{n} 个错误</translation>
    </message>
    <message>
        <source>{n} errors</source>
        <translation>{n} 个错误</translation>
    </message>
    <message>
        <source>{n} warning</source>
        <translation>{n} 个警告</translation>
    </message>
    <message>
        <source>{n} warnings</source>
        <translation>{n} 个警告</translation>
    </message>
    <message>
        <source>duration</source>
        <translation>时长</translation>
    </message>
    <message>
        <source>rows</source>
        <translation>行数</translation>
    </message>
    <message>
        <source>disk per cell</source>
        <translation>每个电池占用</translation>
    </message>
    <message>
        <source>throughput</source>
        <translation>通过电量</translation>
    </message>
    <message>
        <source>numbers for</source>
        <translation>数值对应</translation>
    </message>
    <message>
        <source>Shown as</source>
        <translation>显示为</translation>
    </message>
    <message>
        <source>Add step</source>
        <translation>添加工步</translation>
    </message>
    <message>
        <source>Duplicate</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Wrap in repeat</source>
        <translation>放入循环</translation>
    </message>
    <message>
        <source>Take repeat away</source>
        <translation>取消循环</translation>
    </message>
    <message>
        <source>Fold</source>
        <translation>折叠</translation>
    </message>
    <message>
        <source>Steps</source>
        <translation>工步</translation>
    </message>
    <message>
        <source>Preview</source>
        <translation>预览</translation>
    </message>
    <message>
        <source>Problems</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>Protocol</source>
        <translation>方案</translation>
    </message>
    <message>
        <source>Nothing is wrong.</source>
        <translation>没有问题。</translation>
    </message>
    <message>
        <source>It is being checked.</source>
        <translation>正在检查。</translation>
    </message>
    <message>
        <source>row {n}</source>
        <translation>第 {n} 行</translation>
    </message>
    <message>
        <source>head</source>
        <translation>抬头</translation>
    </message>
    <message>
        <source>line {n}</source>
        <translation>文本第 {n} 行</translation>
    </message>
    <message>
        <source>Choose a row first.</source>
        <translation>请先选择一行。</translation>
    </message>
    <message>
        <source>The end is no step.</source>
        <translation>结束行不是工步。</translation>
    </message>
    <message>
        <source>Choose a repeat first.</source>
        <translation>请先选择一个循环。</translation>
    </message>
    <message>
        <source>Unfold</source>
        <translation>展开</translation>
    </message>
    <message>
        <source>Export protocol</source>
        <translation>导出方案</translation>
    </message>
    <message>
        <source>The file cannot be written.</source>
        <translation>无法写入文件。</translation>
    </message>
    <message>
        <source>Exported to {name}</source>
        <translation>已导出到 {name}</translation>
    </message>
    <message>
        <source>Import protocol</source>
        <translation>导入方案</translation>
    </message>
    <message>
        <source>The file cannot be read.</source>
        <translation>无法读取文件。</translation>
    </message>
    <message>
        <source>variable</source>
        <translation>变量</translation>
    </message>
    <message>
        <source>value</source>
        <translation>值</translation>
    </message>
    <message>
        <source>note</source>
        <translation>说明</translation>
    </message>
    <message>
        <source>used</source>
        <translation>使用</translation>
    </message>
    <message>
        <source>{n} times</source>
        <translation>{n} 次</translation>
    </message>
    <message>
        <source>Variables</source>
        <translation>变量</translation>
    </message>
    <message>
        <source>A value that is chosen anew at each start; write its name into a cell to use it.</source>
        <translation>每次启动时可重新选择的值；在单元格中写入其名称即可使用。</translation>
    </message>
    <message>
        <source>Add variable</source>
        <translation>添加变量</translation>
    </message>
    <message>
        <source>Remove, keep its value</source>
        <translation>移除，保留其值</translation>
    </message>
    <message>
        <source>name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>title</source>
        <translation>标题</translation>
    </message>
    <message>
        <source>from</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>revision</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>saved</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>in use</source>
        <translation>使用中</translation>
    </message>
    <message>
        <source>Protocols</source>
        <translation>方案</translation>
    </message>
    <message>
        <source>Search protocols</source>
        <translation>搜索方案</translation>
    </message>
    <message>
        <source>The protocol in words</source>
        <translation>用文字描述的方案</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Copy as new</source>
        <translation>复制为新方案</translation>
    </message>
    <message>
        <source>{n} shown</source>
        <translation>显示 {n} 个</translation>
    </message>
    <message>
        <source>Protocols of this station</source>
        <translation>本站点的方案</translation>
    </message>
    <message>
        <source>The station is asked for its protocols.</source>
        <translation>正在向站点查询方案。</translation>
    </message>
    <message>
        <source>No protocol has these words.</source>
        <translation>没有包含这些词的方案。</translation>
    </message>
    <message>
        <source>There is no protocol yet. Begin a new one, or import a file.</source>
        <translation>还没有方案。请新建，或导入文件。</translation>
    </message>
    <message>
        <source>Choose a protocol first.</source>
        <translation>请先选择一个方案。</translation>
    </message>
    <message>
        <source>In words</source>
        <translation>文字描述</translation>
    </message>
    <message>
        <source>A draft on this computer; open it to go on.</source>
        <translation>本机上的草稿；打开即可继续。</translation>
    </message>
    <message>
        <source>click goes to the cell</source>
        <translation>点击可跳到单元格</translation>
    </message>
    <message>
        <source>row {n} marked</source>
        <translation>已标出第 {n} 行</translation>
    </message>
    <message>
        <source>Loops</source>
        <translation>循环</translation>
    </message>
    <message>
        <source>time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>voltage</source>
        <translation>电压</translation>
    </message>
    <message>
        <source>Voltage over time</source>
        <translation>电压随时间的变化</translation>
    </message>
    <message>
        <source>shape only: times and end voltages as written</source>
        <translation>仅示意形状：时间和截止电压按所写</translation>
    </message>
    <message>
        <source>simulated by the station on a cell model</source>
        <translation>由站点用电池模型模拟</translation>
    </message>
    <message>
        <source>Preview V(t)</source>
        <translation>预览 V(t)</translation>
    </message>
    <message>
        <source>goes on to {time}</source>
        <translation>持续到 {time}</translation>
    </message>
    <message>
        <source>part</source>
        <translation>部分</translation>
    </message>
    <message>
        <source>times</source>
        <translation>次数</translation>
    </message>
    <message>
        <source>Estimate</source>
        <translation>估算</translation>
    </message>
    <message>
        <source>likely; a dead cell ends earlier</source>
        <translation>预计值；失效的电池会提前结束</translation>
    </message>
    <message>
        <source>all</source>
        <translation>合计</translation>
    </message>
    <message>
        <source>where</source>
        <translation>位置</translation>
    </message>
    <message>
        <source>what</source>
        <translation>内容</translation>
    </message>
    <message>
        <source>before → after</source>
        <translation>之前 → 之后</translation>
    </message>
    <message>
        <source>Changes</source>
        <translation>改动</translation>
    </message>
    <message>
        <source>Changes to rev {n}</source>
        <translation>相对 rev {n} 的改动</translation>
    </message>
    <message>
        <source>Changes to the template</source>
        <translation>相对模板的改动</translation>
    </message>
    <message>
        <source>{n} changes, {steps} undo steps</source>
        <translation>{n} 处改动，{steps} 步可撤销</translation>
    </message>
    <message>
        <source>Nothing differs in rows, head and variables.</source>
        <translation>各行、抬头和变量均无差异。</translation>
    </message>
    <message>
        <source>It was never saved: there is nothing to compare with.</source>
        <translation>从未保存过：没有可比较的版本。</translation>
    </message>
    <message>
        <source>Edit again</source>
        <translation>重新编辑</translation>
    </message>
    <message>
        <source>Steps of the protocol</source>
        <translation>方案的工步</translation>
    </message>
    <message>
        <source>The protocol as text</source>
        <translation>方案文本</translation>
    </message>
    <message>
        <source>edit text</source>
        <translation>编辑文本</translation>
    </message>
    <message>
        <source>Start with this…</source>
        <translation>用此方案启动…</translation>
    </message>
    <message>
        <source>Discard draft</source>
        <translation>放弃草稿</translation>
    </message>
    <message>
        <source>Undo (Ctrl+Z)</source>
        <translation>撤销 (Ctrl+Z)</translation>
    </message>
    <message>
        <source>Redo (Ctrl+Y)</source>
        <translation>重做 (Ctrl+Y)</translation>
    </message>
    <message>
        <source>Save as a new protocol</source>
        <translation>另存为新方案</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>discard draft</source>
        <translation>放弃草稿</translation>
    </message>
    <message>
        <source>no cell</source>
        <translation>无电池</translation>
    </message>
    <message>
        <source>There is no draft.</source>
        <translation>没有草稿。</translation>
    </message>
    <message>
        <source>See the changes</source>
        <translation>查看差异</translation>
    </message>
    <message>
        <source>Save as another</source>
        <translation>另存为其他方案</translation>
    </message>
    <message>
        <source>Save after theirs</source>
        <translation>在对方之后保存</translation>
    </message>
    <message>
        <source>Saved meanwhile by somebody else.</source>
        <translation>期间已被他人保存。</translation>
    </message>
    <message>
        <source>Nothing to undo.</source>
        <translation>没有可撤销的操作。</translation>
    </message>
    <message>
        <source>Nothing to do again.</source>
        <translation>没有可重做的操作。</translation>
    </message>
    <message>
        <source>Templates are read-only: what you change is saved under a name of your own.</source>
        <translation>模板为只读：您的改动以自己的名称保存。</translation>
    </message>
</context>
<context>
    <name>protocolchanges</name>
    <message>
        <source>The order of the rows says this; move the row.</source>
        <translation>由行的顺序决定；请移动该行。</translation>
    </message>
    <message>
        <source>Worked out from the set value and the chosen cell.</source>
        <translation>由设定值和所选电池计算得出。</translation>
    </message>
    <message>
        <source>A rest sets nothing; its time stands under “until”.</source>
        <translation>静置没有设定值；其时间写在“直到”列。</translation>
    </message>
    <message>
        <source>A row “{kind}” has nothing here.</source>
        <translation>“{kind}”行在此列没有内容。</translation>
    </message>
    <message>
        <source>“{text}” is no number of passes; write a whole number from 1.</source>
        <translation>“{text}”不是循环次数；请写从 1 起的整数。</translation>
    </message>
    <message>
        <source>Charge is positive here. Is “{text}” a discharge?</source>
        <translation>这里充电为正。“{text}”是放电吗？</translation>
    </message>
    <message>
        <source>discharge {size}</source>
        <translation>放电 {size}</translation>
    </message>
    <message>
        <source>charge {size}</source>
        <translation>充电 {size}</translation>
    </message>
    <message>
        <source>A value is needed here, for example C/20 or 1 mA/cm².</source>
        <translation>此处需要一个值，例如 C/20 或 1 mA/cm²。</translation>
    </message>
    <message>
        <source>Write an amplitude as 10 mV rms.</source>
        <translation>振幅请写成 10 mV rms。</translation>
    </message>
    <message>
        <source>Write some text.</source>
        <translation>请写一些文字。</translation>
    </message>
    <message>
        <source>A rest ends by time only, for example t 10 min.</source>
        <translation>静置只能按时间结束，例如 t 10 min。</translation>
    </message>
    <message>
        <source>A constant current cannot end by current. Set “C/20 → 4.2 V” to hold a voltage.</source>
        <translation>恒流不能按电流结束。要恒压请设为“C/20 → 4.2 V”。</translation>
    </message>
    <message>
        <source>A held voltage cannot be the end as well; end by I and t.</source>
        <translation>恒压值不能同时作为截止条件；请按 I 和 t 结束。</translation>
    </message>
    <message>
        <source>A branch needs a condition, for example retention &lt; 80 %.</source>
        <translation>分支需要条件，例如 retention &lt; 80 %。</translation>
    </message>
    <message>
        <source>“{text}” is no step. Which is meant?</source>
        <translation>“{text}”不是工步。指的是哪一个？</translation>
    </message>
    <message>
        <source>Choose the steps and wrap them in a repeat (Ctrl+G).</source>
        <translation>请选中工步并放入循环 (Ctrl+G)。</translation>
    </message>
</context>
<context>
    <name>protocoldoc</name>
    <message>
        <source>This place of the text is written in a way that only the text can edit.</source>
        <translation>文本此处的写法只能在文本中编辑。</translation>
    </message>
    <message>
        <source>The text cannot be read at line {line}: {problem}. Mend it, or undo.</source>
        <translation>文本第 {line} 行无法读取：{problem}。请修正或撤销。</translation>
    </message>
    <message>
        <source>row {n}, {column}</source>
        <translation>第 {n} 行，{column}</translation>
    </message>
    <message>
        <source>add step</source>
        <translation>添加工步</translation>
    </message>
    <message>
        <source>duplicate</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>delete {n} steps</source>
        <translation>删除 {n} 个工步</translation>
    </message>
    <message>
        <source>move down</source>
        <translation>下移</translation>
    </message>
    <message>
        <source>move up</source>
        <translation>上移</translation>
    </message>
    <message>
        <source>move</source>
        <translation>移动</translation>
    </message>
    <message>
        <source>wrap in repeat</source>
        <translation>放入循环</translation>
    </message>
    <message>
        <source>take repeat away</source>
        <translation>取消循环</translation>
    </message>
    <message>
        <source>head: {field}</source>
        <translation>抬头：{field}</translation>
    </message>
    <message>
        <source>A variable needs a value.</source>
        <translation>变量需要一个值。</translation>
    </message>
    <message>
        <source>variable {name}</source>
        <translation>变量 {name}</translation>
    </message>
    <message>
        <source>rename variable {name}</source>
        <translation>重命名变量 {name}</translation>
    </message>
    <message>
        <source>There is no variable “{name}”.</source>
        <translation>没有变量“{name}”。</translation>
    </message>
    <message>
        <source>remove variable {name}</source>
        <translation>移除变量 {name}</translation>
    </message>
</context>
<context>
    <name>protocoleditor</name>
    <message>
        <source>{by} has saved revision {n} meanwhile; your draft is based on revision {old}.</source>
        <translation>{by} 期间已保存版本 {n}；您的草稿基于版本 {old}。</translation>
    </message>
    <message>
        <source>{name}-copy</source>
        <translation>{name}-copy</translation>
    </message>
    <message>
        <source>template</source>
        <translation>模板</translation>
    </message>
    <message>
        <source>draft</source>
        <translation>草稿</translation>
    </message>
    <message>
        <source>No protocol is open.</source>
        <translation>没有打开的方案。</translation>
    </message>
    <message>
        <source>It is being saved.</source>
        <translation>正在保存。</translation>
    </message>
    <message>
        <source>The station cannot be reached; the draft is kept on this computer.</source>
        <translation>无法连接站点；草稿保存在本机。</translation>
    </message>
    <message>
        <source>Nothing has changed since revision {n}.</source>
        <translation>自版本 {n} 以来没有改动。</translation>
    </message>
    <message>
        <source>Mend the {n} errors first.</source>
        <translation>请先修正 {n} 个错误。</translation>
    </message>
    <message>
        <source>End.</source>
        <translation>结束。</translation>
    </message>
    <message>
        <source>This step cannot be read yet; see the problems.</source>
        <translation>此工步尚无法读取；请看问题列表。</translation>
    </message>
    <message>
        <source>Back to the first step of the repeat until {done}.</source>
        <translation>回到循环的第一个工步，直到{done}。</translation>
    </message>
    <message>
        <source>Otherwise:</source>
        <translation>否则：</translation>
    </message>
    <message>
        <source>The branch ends here.</source>
        <translation>分支到此结束。</translation>
    </message>
    <message>
        <source>Give it a name.</source>
        <translation>请为它命名。</translation>
    </message>
    <message>
        <source>Their revision is not known yet.</source>
        <translation>尚不知道对方的版本。</translation>
    </message>
    <message>
        <source>Choose a cell first (numbers for): its twin is simulated.</source>
        <translation>请先选择电池（数值对应）：将模拟其孪生模型。</translation>
    </message>
    <message>
        <source>read-only; an edit is saved under a name of your own</source>
        <translation>只读；修改后以自己的名称保存</translation>
    </message>
    <message>
        <source>based on rev {n}</source>
        <translation>基于 rev {n}</translation>
    </message>
    <message>
        <source>revision {n}</source>
        <translation>版本 {n}</translation>
    </message>
    <message>
        <source>copy of {name}, never saved</source>
        <translation>{name} 的副本，从未保存</translation>
    </message>
    <message>
        <source>never saved</source>
        <translation>从未保存</translation>
    </message>
    <message>
        <source>The station is simulating.</source>
        <translation>站点正在模拟。</translation>
    </message>
    <message>
        <source>The station cannot be reached; it simulates.</source>
        <translation>无法连接站点；模拟由站点完成。</translation>
    </message>
    <message>
        <source>There is no simulation: {why}</source>
        <translation>没有模拟结果：{why}</translation>
    </message>
    <message>
        <source>only its beginning</source>
        <translation>仅开头部分</translation>
    </message>
</context>
<context>
    <name>protocolfigures</name>
    <message>
        <source>start now: ends {end}</source>
        <translation>现在启动：{end} 结束</translation>
    </message>
    <message>
        <source>in use by {n} jobs (they stay on their revision)</source>
        <translation>{n} 个任务正在使用（保持各自版本）</translation>
    </message>
    <message>
        <source>Mend the text, or undo.</source>
        <translation>请修正文本，或撤销。</translation>
    </message>
</context>
<context>
    <name>protocolheader</name>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Description</source>
        <translation>描述</translation>
    </message>
    <message>
        <source>For cells</source>
        <translation>适用电池</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>Record</source>
        <translation>记录</translation>
    </message>
    <message>
        <source>Safety limits</source>
        <translation>安全限值</translation>
    </message>
    <message>
        <source>Warn at</source>
        <translation>警告限值</translation>
    </message>
    <message>
        <source>Formation of LFP|Li cells</source>
        <translation>LFP|Li 电池的化成</translation>
    </message>
    <message>
        <source>any cell; else for example symmetric, lfp_li</source>
        <translation>任意电池；否则例如 symmetric, lfp_li</translation>
    </message>
    <message>
        <source>25 °C | tolerance 1 K | soak 30 min | trip 5 K</source>
        <translation>25 °C | tolerance 1 K | soak 30 min | trip 5 K</translation>
    </message>
    <message>
        <source>10 s or 5 mV</source>
        <translation>10 s or 5 mV</translation>
    </message>
    <message>
        <source>V 2.5 V … 4.5 V | I 2 mA</source>
        <translation>V 2.5 V … 4.5 V | I 2 mA</translation>
    </message>
    <message>
        <source>V 2.6 V … 4.4 V</source>
        <translation>V 2.6 V … 4.4 V</translation>
    </message>
    <message>
        <source>A protocol needs a name.</source>
        <translation>方案需要名称。</translation>
    </message>
    <message>
        <source>“{word}” is no kind of cell. Known: {known}.</source>
        <translation>“{word}”不是电池类型。已知：{known}。</translation>
    </message>
    <message>
        <source>“{part}” is not known here; use {known}.</source>
        <translation>此处不认识“{part}”；请用 {known}。</translation>
    </message>
    <message>
        <source>A variable's name has letters, digits and “_”, a letter first.</source>
        <translation>变量名由字母、数字和“_”组成，以字母开头。</translation>
    </message>
    <message>
        <source>There is a variable “{name}” already.</source>
        <translation>已有变量“{name}”。</translation>
    </message>
</context>
<context>
    <name>protocollibrary</name>
    <message>
        <source>draft on this computer</source>
        <translation>本机上的草稿</translation>
    </message>
    <message>
        <source>template</source>
        <translation>模板</translation>
    </message>
    <message>
        <source>this station</source>
        <translation>本站点</translation>
    </message>
    <message>
        <source>draft</source>
        <translation>草稿</translation>
    </message>
    <message>
        <source>{n} run</source>
        <translation>{n} 个运行</translation>
    </message>
    <message>
        <source>{n} runs</source>
        <translation>{n} 个运行</translation>
    </message>
</context>
<context>
    <name>protocoloffers</name>
    <message>
        <source>End after {time}</source>
        <translation>{time} 后结束</translation>
    </message>
    <message>
        <source>End at C/20</source>
        <translation>到 C/20 结束</translation>
    </message>
    <message>
        <source>Allow {time}</source>
        <translation>允许 {time}</translation>
    </message>
    <message>
        <source>Make it a {word}</source>
        <translation>改为 {word}</translation>
    </message>
    <message>
        <source>Use the protocol's limits</source>
        <translation>使用方案的限值</translation>
    </message>
    <message>
        <source>At most 1 C</source>
        <translation>最大 1 C</translation>
    </message>
    <message>
        <source>Use “cycle”</source>
        <translation>使用“cycle”</translation>
    </message>
    <message>
        <source>Write “{word}”</source>
        <translation>写成“{word}”</translation>
    </message>
    <message>
        <source>Remove “{name}”</source>
        <translation>移除“{name}”</translation>
    </message>
    <message>
        <source>Use “{name}”</source>
        <translation>使用“{name}”</translation>
    </message>
    <message>
        <source>Add variable “{name}”</source>
        <translation>添加变量“{name}”</translation>
    </message>
    <message>
        <source>Write {value} %</source>
        <translation>写成 {value} %</translation>
    </message>
</context>
<context>
    <name>protocolrevisions</name>
    <message>
        <source>head</source>
        <translation>抬头</translation>
    </message>
    <message>
        <source>variable</source>
        <translation>变量</translation>
    </message>
    <message>
        <source>row {n}</source>
        <translation>第 {n} 行</translation>
    </message>
    <message>
        <source>step</source>
        <translation>工步</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>label</source>
        <translation>标签</translation>
    </message>
    <message>
        <source>set</source>
        <translation>设定</translation>
    </message>
    <message>
        <source>until</source>
        <translation>直到</translation>
    </message>
    <message>
        <source>record</source>
        <translation>记录</translation>
    </message>
    <message>
        <source>limits</source>
        <translation>限值</translation>
    </message>
    <message>
        <source>= absolute</source>
        <translation>= 绝对值</translation>
    </message>
    <message>
        <source>next</source>
        <translation>下一行</translation>
    </message>
</context>
<context>
    <name>protocolrows</name>
    <message>
        <source>{n} done</source>
        <translation>完成 {n} 次</translation>
    </message>
    <message>
        <source>This step stands for “&amp;{name}”: edit that one, or the text.</source>
        <translation>此工步引用“&amp;{name}”：请编辑原工步或文本。</translation>
    </message>
    <message>
        <source>Edit this in the text.</source>
        <translation>请在文本中编辑。</translation>
    </message>
    <message>
        <source>{done} or {condition}</source>
        <translation>{done} 或 {condition}</translation>
    </message>
</context>
<context>
    <name>protocolstarting</name>
    <message>
        <source>No protocol is open.</source>
        <translation>没有打开的方案。</translation>
    </message>
    <message>
        <source>Save it first: a start takes a protocol of the station.</source>
        <translation>请先保存：启动需要站点上的方案。</translation>
    </message>
    <message>
        <source>Save the draft first: a start takes a saved revision.</source>
        <translation>请先保存草稿：启动需要已保存的版本。</translation>
    </message>
    <message>
        <source>Select channels in the station view first.</source>
        <translation>请先在站点视图中选择通道。</translation>
    </message>
</context>
<context>
    <name>protocolstructure</name>
    <message>
        <source>Choose a step first.</source>
        <translation>请先选择工步。</translation>
    </message>
    <message>
        <source>The chosen steps do not stand together in one loop.</source>
        <translation>所选工步不在同一循环中相邻。</translation>
    </message>
    <message>
        <source>There is no list of steps here; see the text.</source>
        <translation>此处没有工步列表；请看文本。</translation>
    </message>
    <message>
        <source>A repeat cannot go into itself.</source>
        <translation>循环不能移入自身。</translation>
    </message>
    <message>
        <source>The steps stand there already.</source>
        <translation>工步已在此处。</translation>
    </message>
    <message>
        <source>The protocol needs a step outside.</source>
        <translation>循环之外还需要一个工步。</translation>
    </message>
    <message>
        <source>This is the last step.</source>
        <translation>这是最后一个工步。</translation>
    </message>
    <message>
        <source>This is the first step.</source>
        <translation>这是第一个工步。</translation>
    </message>
    <message>
        <source>The loop would be empty; move the loop, or take it away.</source>
        <translation>循环会变空；请移动或取消循环。</translation>
    </message>
    <message>
        <source>Choose one repeat to take away.</source>
        <translation>请选择一个要取消的循环。</translation>
    </message>
    <message>
        <source>This repeat varies a value; write the value into its steps first.</source>
        <translation>此循环会改变某个值；请先把值写入工步。</translation>
    </message>
    <message>
        <source>This branch has two sides; delete one in the text first.</source>
        <translation>此分支有两侧；请先在文本中删除一侧。</translation>
    </message>
    <message>
        <source>It is empty; delete it.</source>
        <translation>它是空的；请删除。</translation>
    </message>
</context>
<context>
    <name>protocoltyped</name>
    <message>
        <source>“{symbol}” stands there twice.</source>
        <translation>“{symbol}”出现了两次。</translation>
    </message>
    <message>
        <source>Is “{text}” a voltage, a current, a time or a capacity?</source>
        <translation>“{text}”是电压、电流、时间还是容量？</translation>
    </message>
    <message>
        <source>“{text}” is no end. Write for example V 4.3 V | I C/20 | t 4 h | Q 120 %.</source>
        <translation>“{text}”不是截止条件。例如写 V 4.3 V | I C/20 | t 4 h | Q 120 %。</translation>
    </message>
    <message>
        <source>A value is missing.</source>
        <translation>缺少一个值。</translation>
    </message>
    <message>
        <source>inherit</source>
        <translation>继承</translation>
    </message>
    <message>
        <source>“{text}” is no record rule. Write for example 10 s or 5 mV.</source>
        <translation>“{text}”不是记录规则。例如写 10 s or 5 mV。</translation>
    </message>
    <message>
        <source>“{text}” is no limit. Write for example V 2.5 V … 4.5 V | I 2 mA.</source>
        <translation>“{text}”不是限值。例如写 V 2.5 V … 4.5 V | I 2 mA。</translation>
    </message>
    <message>
        <source>A limit has a lowest and a highest value.</source>
        <translation>限值有最低值和最高值。</translation>
    </message>
    <message>
        <source>Write a sweep as 1 MHz … 100 mHz, 10/dec.</source>
        <translation>扫描请写成 1 MHz … 100 mHz, 10/dec。</translation>
    </message>
    <message>
        <source>Write j = 0.1 mA/cm^2 + 0.1 mA/cm^2, or rate = C/20, C/10.</source>
        <translation>请写 j = 0.1 mA/cm^2 + 0.1 mA/cm^2，或 rate = C/20, C/10。</translation>
    </message>
    <message>
        <source>“{text}” is no quantity with a unit.</source>
        <translation>“{text}”不是带单位的量。</translation>
    </message>
    <message>
        <source>“{text}” has no unit. Which is meant?</source>
        <translation>“{text}”没有单位。指的是哪一个？</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>There is no variable “{name}” (known: {known}).</source>
        <translation>没有变量“{name}”（已知：{known}）。</translation>
    </message>
    <message>
        <source>“{text}” does not fit here.</source>
        <translation>“{text}”在此处不适用。</translation>
    </message>
    <message>
        <source>“{text}” does not fit here; use {units}.</source>
        <translation>“{text}”在此处不适用；请用 {units}。</translation>
    </message>
    <message>
        <source>“{text}” is negative; the direction is the word of the step.</source>
        <translation>“{text}”为负；方向由工步的词决定。</translation>
    </message>
    <message>
        <source>Zero is not possible here.</source>
        <translation>此处不能为零。</translation>
    </message>
</context>
<context>
    <name>queue</name>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>By channel</source>
        <translation>按通道</translation>
    </message>
    <message>
        <source>By instrument</source>
        <translation>按仪器</translation>
    </message>
    <message>
        <source>Held</source>
        <translation>挂起</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>已完成</translation>
    </message>
    <message>
        <source>{done} of {total}</source>
        <translation>{done}/{total}</translation>
    </message>
    <message>
        <source>{n} held</source>
        <translation>{n} 项挂起</translation>
    </message>
    <message>
        <source>{n} failed</source>
        <translation>{n} 项失败</translation>
    </message>
    <message>
        <source>{done} of {total} done</source>
        <translation>已完成 {done}/{total}</translation>
    </message>
    <message>
        <source>{n} running</source>
        <translation>{n} 项运行中</translation>
    </message>
    <message>
        <source>ends about {when}</source>
        <translation>约 {when} 结束</translation>
    </message>
    <message>
        <source>Nothing matches</source>
        <translation>没有匹配项</translation>
    </message>
    <message>
        <source>Clear the search to see all items.</source>
        <translation>清除搜索即可看到全部任务。</translation>
    </message>
    <message>
        <source>Nothing is held</source>
        <translation>没有挂起的任务</translation>
    </message>
    <message>
        <source>What waits starts by itself when its turn comes.</source>
        <translation>等待的任务轮到时会自动开始。</translation>
    </message>
    <message>
        <source>Ended, failed and removed items are listed here.</source>
        <translation>已结束、失败和移除的任务列在这里。</translation>
    </message>
    <message>
        <source>Nothing has ended yet</source>
        <translation>还没有结束的任务</translation>
    </message>
    <message>
        <source>Insert a protocol for cells that sit in channels. It starts only when its checks pass.</source>
        <translation>为通道中的电池插入方案。检查通过后才会开始。</translation>
    </message>
    <message>
        <source>The queue is empty</source>
        <translation>队列为空</translation>
    </message>
    <message>
        <source>any that fits</source>
        <translation>任一合适通道</translation>
    </message>
    <message>
        <source>now in cycle {n} of {all}</source>
        <translation>第 {n}/{all} 圈</translation>
    </message>
    <message>
        <source>Nothing is selected.</source>
        <translation>未选择任何对象。</translation>
    </message>
    <message>
        <source>move {job}</source>
        <translation>移动 {job}</translation>
    </message>
    <message>
        <source>Hold</source>
        <translation>挂起</translation>
    </message>
    <message>
        <source>Release</source>
        <translation>释放</translation>
    </message>
    <message>
        <source>hold</source>
        <translation>挂起</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Bring back</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Repeat</source>
        <translation>重复</translation>
    </message>
    <message>
        <source>repeat</source>
        <translation>重复</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>更改</translation>
    </message>
    <message>
        <source>change</source>
        <translation>更改</translation>
    </message>
    <message>
        <source>Let the queue of {name} go on</source>
        <translation>让 {name} 的队列继续</translation>
    </message>
    <message>
        <source>Retry</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>the queue</source>
        <translation>整个队列</translation>
    </message>
    <message>
        <source>Hold {name}</source>
        <translation>挂起 {name}</translation>
    </message>
    <message>
        <source>Release {name}</source>
        <translation>释放 {name}</translation>
    </message>
    <message>
        <source>It is held: {why}</source>
        <translation>已挂起：{why}</translation>
    </message>
    <message>
        <source>It is not held.</source>
        <translation>未被挂起。</translation>
    </message>
    <message>
        <source>{act} {n} items</source>
        <translation>{act} {n} 项</translation>
    </message>
    <message>
        <source>any</source>
        <translation>任意</translation>
    </message>
    <message>
        <source>next free</source>
        <translation>下一空闲</translation>
    </message>
    <message>
        <source>end not known</source>
        <translation>结束时间未知</translation>
    </message>
    <message>
        <source>held</source>
        <translation>挂起</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>等待</translation>
    </message>
    <message>
        <source>since {begin}, ends about {end}</source>
        <translation>{begin} 开始，约 {end} 结束</translation>
    </message>
    <message>
        <source>starts about {begin}, ends about {end}</source>
        <translation>约 {begin} 开始，约 {end} 结束</translation>
    </message>
    <message>
        <source>held; would start {begin} and end {end}</source>
        <translation>已挂起；原计划 {begin} 至 {end}</translation>
    </message>
    <message>
        <source>{begin} to {end}</source>
        <translation>{begin} 至 {end}</translation>
    </message>
    <message>
        <source>ends between {low} and {high} (90 %)</source>
        <translation>{low} 至 {high} 之间结束（90 %）</translation>
    </message>
    <message>
        <source>length {time}</source>
        <translation>时长 {time}</translation>
    </message>
    <message>
        <source>week {n}</source>
        <translation>第 {n} 周</translation>
    </message>
    <message>
        <source>Write the moment as 2026-04-21 14:00.</source>
        <translation>请按 2026-04-21 14:00 的格式填写时间。</translation>
    </message>
    <message>
        <source>free</source>
        <translation>空闲</translation>
    </message>
    <message>
        <source>Choose a protocol.</source>
        <translation>请选择方案。</translation>
    </message>
    <message>
        <source>Choose at least one cell.</source>
        <translation>请至少选择一个电池。</translation>
    </message>
    <message>
        <source>The station is checking.</source>
        <translation>工位正在检查。</translation>
    </message>
    <message>
        <source>Move</source>
        <translation>移动</translation>
    </message>
    <message>
        <source>{n} items queued: {ids}</source>
        <translation>已排入 {n} 项：{ids}</translation>
    </message>
    <message>
        <source>Queue {protocol} for {n} cells</source>
        <translation>为 {n} 个电池排入 {protocol}</translation>
    </message>
    <message>
        <source>Nothing is changed.</source>
        <translation>没有更改。</translation>
    </message>
    <message>
        <source>running, done part</source>
        <translation>运行中，已完成部分</translation>
    </message>
    <message>
        <source>planned</source>
        <translation>计划</translation>
    </message>
    <message>
        <source>now</source>
        <translation>现在</translation>
    </message>
    <message>
        <source>cell</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>channel</source>
        <translation>通道</translation>
    </message>
    <message>
        <source>starts ~</source>
        <translation>预计开始</translation>
    </message>
    <message>
        <source>ends ~</source>
        <translation>预计结束</translation>
    </message>
    <message>
        <source>problem</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>Insert into the queue</source>
        <translation>插入队列</translation>
    </message>
    <message>
        <source>What would start where and when</source>
        <translation>将在何处何时开始</translation>
    </message>
    <message>
        <source>Queue</source>
        <translation>排入</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Label</source>
        <translation>标签</translation>
    </message>
    <message>
        <source>hold it, do not start by itself</source>
        <translation>先挂起，不自动开始</translation>
    </message>
    <message>
        <source>Place</source>
        <translation>位置</translation>
    </message>
    <message>
        <source>at the end</source>
        <translation>末尾</translation>
    </message>
    <message>
        <source>Not before</source>
        <translation>不早于</translation>
    </message>
    <message>
        <source>Priority</source>
        <translation>优先级</translation>
    </message>
    <message>
        <source>Cells</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>choose...</source>
        <translation>请选择…</translation>
    </message>
    <message>
        <source>Change {name}</source>
        <translation>更改 {name}</translation>
    </message>
    <message>
        <source>Change {n} items</source>
        <translation>更改 {n} 项</translation>
    </message>
    <message>
        <source>several</source>
        <translation>多个</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>Insert...</source>
        <translation>插入…</translation>
    </message>
    <message>
        <source>Change...</source>
        <translation>更改…</translation>
    </message>
    <message>
        <source>The station is asked for the variables.</source>
        <translation>正在向工位查询变量。</translation>
    </message>
    <message>
        <source>It has no variables.</source>
        <translation>该方案没有变量。</translation>
    </message>
    <message>
        <source>default {value}</source>
        <translation>默认 {value}</translation>
    </message>
    <message>
        <source>Protocol</source>
        <translation>方案</translation>
    </message>
    <message>
        <source>at any time, or 2026-04-21 14:00</source>
        <translation>任何时间，或 2026-04-21 14:00</translation>
    </message>
    <message>
        <source>Show this campaign alone</source>
        <translation>只显示此系列</translation>
    </message>
    <message>
        <source>release</source>
        <translation>释放</translation>
    </message>
    <message>
        <source>whole queue</source>
        <translation>整个队列</translation>
    </message>
    <message>
        <source>Press to release it.</source>
        <translation>点击即可释放。</translation>
    </message>
    <message>
        <source>pos</source>
        <translation>序号</translation>
    </message>
    <message>
        <source>item</source>
        <translation>任务</translation>
    </message>
    <message>
        <source>target</source>
        <translation>对象</translation>
    </message>
    <message>
        <source>waits for</source>
        <translation>等待</translation>
    </message>
    <message>
        <source>length ~</source>
        <translation>预计时长</translation>
    </message>
    <message>
        <source>state</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>Which items</source>
        <translation>显示哪些任务</translation>
    </message>
    <message>
        <source>search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Release all</source>
        <translation>全部释放</translation>
    </message>
    <message>
        <source>Hold all</source>
        <translation>全部挂起</translation>
    </message>
    <message>
        <source>Items</source>
        <translation>任务</translation>
    </message>
    <message>
        <source>Items of the queue</source>
        <translation>队列中的任务</translation>
    </message>
    <message>
        <source>Channel calendar</source>
        <translation>通道日历</translation>
    </message>
    <message>
        <source>Channel calendar. Arrows choose, + and - zoom, 0 shows all, Home goes to now.</source>
        <translation>通道日历。方向键选择，+ 和 - 缩放，0 显示全部，Home 回到现在。</translation>
    </message>
    <message>
        <source>Up</source>
        <translation>上移</translation>
    </message>
    <message>
        <source>Down</source>
        <translation>下移</translation>
    </message>
    <message>
        <source>Move up</source>
        <translation>上移</translation>
    </message>
    <message>
        <source>Move down</source>
        <translation>下移</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>{n} selected</source>
        <translation>已选 {n} 项</translation>
    </message>
    <message>
        <source>There is nothing to undo.</source>
        <translation>没有可撤销的操作。</translation>
    </message>
    <message>
        <source>Choose an item to move, hold or change it.</source>
        <translation>选择任务后可移动、挂起或更改。</translation>
    </message>
    <message>
        <source>Removed: {what}. Ctrl+Z brings it back.</source>
        <translation>已移除：{what}。Ctrl+Z 可恢复。</translation>
    </message>
    <message>
        <source>before {item}</source>
        <translation>在 {item} 之前</translation>
    </message>
    <message>
        <source>The queue was not changed.</source>
        <translation>队列未更改。</translation>
    </message>
    <message>
        <source>Nobody knows yet whether the queue was changed.</source>
        <translation>尚不清楚队列是否已更改。</translation>
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
        <translation>无需处理：正在跟踪</translation>
    </message>
    <message>
        <source>wait for the instrument</source>
        <translation>等待仪器</translation>
    </message>
    <message>
        <source>follow it again, fetch what was missed</source>
        <translation>重新跟踪并补取缺失数据</translation>
    </message>
    <message>
        <source>fetch the last rows and close it</source>
        <translation>取回最后的数据并结束</translation>
    </message>
    <message>
        <source>look at the cell, then decide</source>
        <translation>查看电池后再决定</translation>
    </message>
    <message>
        <source>look at the cell, reset the channel, queue what is left</source>
        <translation>检查电池，复位通道，再将剩余步骤排队</translation>
    </message>
    <message>
        <source>cycle {n}</source>
        <translation>循环 {n}</translation>
    </message>
    <message>
        <source>since {when}</source>
        <translation>自 {when}</translation>
    </message>
    <message>
        <source>followed again</source>
        <translation>已重新跟踪</translation>
    </message>
    <message>
        <source>{name} does not answer</source>
        <translation>{name} 无响应</translation>
    </message>
    <message>
        <source>unknown</source>
        <translation>未知</translation>
    </message>
    <message>
        <source>It is followed already.</source>
        <translation>已在跟踪。</translation>
    </message>
    <message>
        <source>Its instrument does not answer yet.</source>
        <translation>其仪器尚无响应。</translation>
    </message>
    <message>
        <source>It has ended. Look at the channel; it is reset there.</source>
        <translation>测试已结束。请查看该通道，并在那里复位。</translation>
    </message>
    <message>
        <source>accepted on the recovery page</source>
        <translation>在恢复页面上接受</translation>
    </message>
    <message>
        <source>{n} runs had not ended: {ready} to accept, {look} to look at, {waits} wait. Nothing is energised by accepting.</source>
        <translation>{n} 个试验未结束：{ready} 个可接受，{look} 个需查看，{waits} 个等待。接受不会使任何输出通电。</translation>
    </message>
    <message>
        <source>filter</source>
        <translation>筛选</translation>
    </message>
    <message>
        <source>Accept selected</source>
        <translation>接受所选</translation>
    </message>
    <message>
        <source>Look at the channel</source>
        <translation>查看通道</translation>
    </message>
    <message>
        <source>Ask again</source>
        <translation>重新询问</translation>
    </message>
    <message>
        <source>Runs that had not ended</source>
        <translation>未结束的运行</translation>
    </message>
    <message>
        <source>Nothing to recover</source>
        <translation>没有要恢复的内容</translation>
    </message>
    <message>
        <source>Every run that had not ended is followed. After a restart or a power cut this page lists what was, what each device says, and what is proposed; nothing is energised by it.</source>
        <translation>所有未结束的运行都在跟踪中。重启或断电后，本页列出之前的状态、各设备的回报和建议的做法；本页不会使任何设备通电。</translation>
    </message>
    <message>
        <source>channel</source>
        <translation>通道</translation>
    </message>
    <message>
        <source>cell</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>what was</source>
        <translation>之前的状态</translation>
    </message>
    <message>
        <source>what the device says</source>
        <translation>设备回报</translation>
    </message>
    <message>
        <source>what is proposed</source>
        <translation>建议的做法</translation>
    </message>
    <message>
        <source>result</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>to decide</source>
        <translation>待决定</translation>
    </message>
    <message>
        <source>to look at</source>
        <translation>待查看</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>等待</translation>
    </message>
    <message>
        <source>all</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Which runs</source>
        <translation>哪些运行</translation>
    </message>
    <message>
        <source>asking</source>
        <translation>询问中</translation>
    </message>
    <message>
        <source>Accept all {n} that agree</source>
        <translation>接受全部一致的 {n} 项</translation>
    </message>
    <message>
        <source>No run waits to be accepted.</source>
        <translation>没有等待接受的运行。</translation>
    </message>
    <message>
        <source>Select runs first.</source>
        <translation>请先选择运行。</translation>
    </message>
    <message>
        <source>{n} selected</source>
        <translation>已选 {n}</translation>
    </message>
</context>
<context>
    <name>registry</name>
    <message>
        <source>registered</source>
        <translation>登记</translation>
    </message>
    <message>
        <source>corrected</source>
        <translation>更正</translation>
    </message>
    <message>
        <source>loaded</source>
        <translation>装入</translation>
    </message>
    <message>
        <source>taken out</source>
        <translation>取出</translation>
    </message>
    <message>
        <source>run</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>filter cells</source>
        <translation>筛选电池</translation>
    </message>
    <message>
        <source>Correct...</source>
        <translation>更正...</translation>
    </message>
    <message>
        <source>Start...</source>
        <translation>启动...</translation>
    </message>
    <message>
        <source>batch</source>
        <translation>批次</translation>
    </message>
    <message>
        <source>cells</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>electrode from</source>
        <translation>电极来源</translation>
    </message>
    <message>
        <source>electrolyte</source>
        <translation>电解液</translation>
    </message>
    <message>
        <source>assembled</source>
        <translation>组装</translation>
    </message>
    <message>
        <source>by</source>
        <translation>操作人</translation>
    </message>
    <message>
        <source>running</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>dead</source>
        <translation>失效</translation>
    </message>
    <message>
        <source>note</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>cell id</source>
        <translation>电池编号</translation>
    </message>
    <message>
        <source>name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>type</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>group</source>
        <translation>分组</translation>
    </message>
    <message>
        <source>made from</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>mass mg</source>
        <translation>质量 mg</translation>
    </message>
    <message>
        <source>area cm²</source>
        <translation>面积 cm²</translation>
    </message>
    <message>
        <source>slot</source>
        <translation>槽位</translation>
    </message>
    <message>
        <source>runs</source>
        <translation>次数</translation>
    </message>
    <message>
        <source>newest run</source>
        <translation>最近一次运行</translation>
    </message>
    <message>
        <source>when</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>what</source>
        <translation>事项</translation>
    </message>
    <message>
        <source>what was said</source>
        <translation>说明</translation>
    </message>
    <message>
        <source>Batches</source>
        <translation>批次</translation>
    </message>
    <message>
        <source>Registered cells</source>
        <translation>已登记电池</translation>
    </message>
    <message>
        <source>History of the cell</source>
        <translation>电池履历</translation>
    </message>
    <message>
        <source>Open a cell with Enter first.</source>
        <translation>请先用回车打开一个电池。</translation>
    </message>
    <message>
        <source>Cells</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>Cells of {batch}</source>
        <translation>{batch} 的电池</translation>
    </message>
    <message>
        <source>no batch</source>
        <translation>无批次</translation>
    </message>
    <message>
        <source>History {cell}</source>
        <translation>履历 {cell}</translation>
    </message>
    <message>
        <source>Registry</source>
        <translation>登记册</translation>
    </message>
    <message>
        <source>nothing here fits</source>
        <translation>没有符合的条目</translation>
    </message>
    <message>
        <source>1 batch</source>
        <translation>1 个批次</translation>
    </message>
    <message>
        <source>{n} batches</source>
        <translation>{n} 个批次</translation>
    </message>
    <message>
        <source>1 cell</source>
        <translation>1 个电池</translation>
    </message>
    <message>
        <source>{n} cells</source>
        <translation>{n} 个电池</translation>
    </message>
    <message>
        <source>Select cells or a batch first.</source>
        <translation>请先选择电池或批次。</translation>
    </message>
</context>
<context>
    <name>reports</name>
    <message>
        <source>voltage profile</source>
        <translation>电压曲线</translation>
    </message>
    <message>
        <source>voltage over capacity</source>
        <translation>电压-容量</translation>
    </message>
    <message>
        <source>capacity by cycle</source>
        <translation>容量-循环</translation>
    </message>
    <message>
        <source>dQ/dV</source>
        <translation>dQ/dV</translation>
    </message>
    <message>
        <source>Li | Li profile</source>
        <translation>Li | Li 曲线</translation>
    </message>
    <message>
        <source>table</source>
        <translation>表格</translation>
    </message>
    <message>
        <source>Write a number.</source>
        <translation>请输入数字。</translation>
    </message>
    <message>
        <source>From {low} to {high}.</source>
        <translation>范围 {low} 至 {high}。</translation>
    </message>
    <message>
        <source>change the figure</source>
        <translation>更改图</translation>
    </message>
    <message>
        <source>take a template</source>
        <translation>套用模板</translation>
    </message>
    <message>
        <source>cycle {n}</source>
        <translation>循环 {n}</translation>
    </message>
    <message>
        <source>runs</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>Add cells first.</source>
        <translation>请先添加电池。</translation>
    </message>
    <message>
        <source>Waiting for the station.</source>
        <translation>正在等待站点。</translation>
    </message>
    <message>
        <source>Give the template a name.</source>
        <translation>请为模板命名。</translation>
    </message>
    <message>
        <source>labctl figure</source>
        <translation>labctl 图</translation>
    </message>
    <message>
        <source>height / mm</source>
        <translation>高度 / mm</translation>
    </message>
    <message>
        <source>type / pt</source>
        <translation>字号 / pt</translation>
    </message>
    <message>
        <source>line / pt</source>
        <translation>线宽 / pt</translation>
    </message>
    <message>
        <source>size / pt</source>
        <translation>大小 / pt</translation>
    </message>
    <message>
        <source>x from</source>
        <translation>x 从</translation>
    </message>
    <message>
        <source>x to</source>
        <translation>x 到</translation>
    </message>
    <message>
        <source>y from</source>
        <translation>y 从</translation>
    </message>
    <message>
        <source>y to</source>
        <translation>y 到</translation>
    </message>
    <message>
        <source>by cell</source>
        <translation>按电池</translation>
    </message>
    <message>
        <source>lines</source>
        <translation>线</translation>
    </message>
    <message>
        <source>circles</source>
        <translation>圆</translation>
    </message>
    <message>
        <source>squares</source>
        <translation>方</translation>
    </message>
    <message>
        <source>triangles</source>
        <translation>三角</translation>
    </message>
    <message>
        <source>diamonds</source>
        <translation>菱形</translation>
    </message>
    <message>
        <source>colour</source>
        <translation>彩色</translation>
    </message>
    <message>
        <source>grey</source>
        <translation>灰度</translation>
    </message>
    <message>
        <source>dark ground</source>
        <translation>深色底</translation>
    </message>
    <message>
        <source>groups</source>
        <translation>分组</translation>
    </message>
    <message>
        <source>cells</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>width</source>
        <translation>宽度</translation>
    </message>
    <message>
        <source>marker</source>
        <translation>标记</translation>
    </message>
    <message>
        <source>palette</source>
        <translation>配色</translation>
    </message>
    <message>
        <source>legend</source>
        <translation>图例</translation>
    </message>
    <message>
        <source>charges</source>
        <translation>电量</translation>
    </message>
    <message>
        <source>voltages</source>
        <translation>电压</translation>
    </message>
    <message>
        <source>cycles</source>
        <translation>循环</translation>
    </message>
    <message>
        <source>x title</source>
        <translation>x 标题</translation>
    </message>
    <message>
        <source>y title</source>
        <translation>y 标题</translation>
    </message>
    <message>
        <source>Page</source>
        <translation>页面</translation>
    </message>
    <message>
        <source>Style</source>
        <translation>样式</translation>
    </message>
    <message>
        <source>Axes</source>
        <translation>坐标轴</translation>
    </message>
    <message>
        <source>empty = by the data</source>
        <translation>留空 = 按数据</translation>
    </message>
    <message>
        <source>Provenance below the figure</source>
        <translation>图下注明来源</translation>
    </message>
    <message>
        <source>Mean ± s of each group</source>
        <translation>每组的均值 ± s</translation>
    </message>
    <message>
        <source>true size</source>
        <translation>实际大小</translation>
    </message>
    <message>
        <source>fit</source>
        <translation>适应</translation>
    </message>
    <message>
        <source>200 %</source>
        <translation>200 %</translation>
    </message>
    <message>
        <source>figure</source>
        <translation>图</translation>
    </message>
    <message>
        <source>Figure</source>
        <translation>图形</translation>
    </message>
    <message>
        <source>Page, style, axes</source>
        <translation>页面、样式、坐标轴</translation>
    </message>
    <message>
        <source>template</source>
        <translation>模板</translation>
    </message>
    <message>
        <source>Save template...</source>
        <translation>保存模板…</translation>
    </message>
    <message>
        <source>view</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>Groups</source>
        <translation>分组</translation>
    </message>
    <message>
        <source>Cells of the figure</source>
        <translation>图中的电池</translation>
    </message>
    <message>
        <source>Copy figure</source>
        <translation>复制图</translation>
    </message>
    <message>
        <source>Copy data</source>
        <translation>复制数据</translation>
    </message>
    <message>
        <source>Save as {kind}</source>
        <translation>另存为 {kind}</translation>
    </message>
    <message>
        <source>Take a comparison</source>
        <translation>取用一个对比</translation>
    </message>
    <message>
        <source>No figure yet</source>
        <translation>尚无图</translation>
    </message>
    <message>
        <source>Add the cells of two groups, or take over what the Compare view shows. A figure is saved as a vector with the drawn data beside it.</source>
        <translation>添加两组电池，或取用“对比”视图的内容。图以矢量保存，所绘数据保存在旁。</translation>
    </message>
    <message>
        <source>standard</source>
        <translation>标准</translation>
    </message>
    <message>
        <source>{w} × {h} mm, type {pt} pt, data saved beside the figure</source>
        <translation>{w} × {h} mm，字号 {pt} pt，数据保存在图旁</translation>
    </message>
    <message>
        <source>The template is not saved</source>
        <translation>模板未保存</translation>
    </message>
    <message>
        <source>Template {name} saved</source>
        <translation>模板 {name} 已保存</translation>
    </message>
    <message>
        <source>Save template</source>
        <translation>保存模板</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Save figure</source>
        <translation>保存图</translation>
    </message>
    <message>
        <source>The figure is not saved</source>
        <translation>图未保存</translation>
    </message>
    <message>
        <source>Saved {files}</source>
        <translation>已保存 {files}</translation>
    </message>
    <message>
        <source>The figure is copied</source>
        <translation>图已复制</translation>
    </message>
    <message>
        <source>The data are copied</source>
        <translation>数据已复制</translation>
    </message>
    <message>
        <source>Add cells to the figure...</source>
        <translation>向图中添加电池…</translation>
    </message>
    <message>
        <source>Draw: {what}</source>
        <translation>绘制：{what}</translation>
    </message>
</context>
<context>
    <name>runevents</name>
    <message>
        <source>log of the device kept, {lines} lines</source>
        <translation>已保存设备日志，{lines} 行</translation>
    </message>
    <message>
        <source>followed again from row {sequence}</source>
        <translation>从第 {sequence} 行起恢复跟踪</translation>
    </message>
    <message>
        <source>revision {revision} kept: {reason}</source>
        <translation>已保存版本 {revision}：{reason}</translation>
    </message>
    <message>
        <source>spectrum {number}: leads are moved, as confirmed</source>
        <translation>谱 {number}：已确认移线</translation>
    </message>
    <message>
        <source>spectrum {number} is over: {outcome}, {points} points</source>
        <translation>谱 {number} 结束：{outcome}，{points} 点</translation>
    </message>
    <message>
        <source>spectrum {number} is given up: {reason}</source>
        <translation>谱 {number} 已放弃：{reason}</translation>
    </message>
    <message>
        <source>spectrum {number}: the cell {stage}</source>
        <translation>谱 {number}：电池 {stage}</translation>
    </message>
    <message>
        <source>note: {text}</source>
        <translation>备注：{text}</translation>
    </message>
</context>
<context>
    <name>selection</name>
    <message>
        <source>Nothing is selected.</source>
        <translation>未选择任何对象。</translation>
    </message>
    <message>
        <source>{n} selected</source>
        <translation>已选 {n} 个</translation>
    </message>
</context>
<context>
    <name>settings</name>
    <message>
        <source>virtual bench, {clock}</source>
        <translation>虚拟台架，{clock}</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>地址</translation>
    </message>
    <message>
        <source>You</source>
        <translation>您</translation>
    </message>
    <message>
        <source>Data folder</source>
        <translation>数据文件夹</translation>
    </message>
    <message>
        <source>Free room</source>
        <translation>可用空间</translation>
    </message>
    <message>
        <source>Clock</source>
        <translation>时钟</translation>
    </message>
    <message>
        <source>Bench time</source>
        <translation>台架时间</translation>
    </message>
    <message>
        <source>Started</source>
        <translation>启动于</translation>
    </message>
    <message>
        <source>Version</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>Process</source>
        <translation>进程</translation>
    </message>
    <message>
        <source>not known yet</source>
        <translation>尚不知道</translation>
    </message>
    <message>
        <source>Nobody is told of alarms. Name people under notify: in the station file.</source>
        <translation>没有人会收到报警。请在站点文件的 notify: 下写明人员。</translation>
    </message>
    <message>
        <source>CRITICAL is never held back.</source>
        <translation>CRITICAL 从不延后。</translation>
    </message>
    <message>
        <source>Quiet hours {hours}.</source>
        <translation>免打扰时段 {hours}。</translation>
    </message>
    <message>
        <source>A sign of life each day at {time}.</source>
        <translation>每天 {time} 报平安。</translation>
    </message>
    <message>
        <source>Nobody is named in the station file.</source>
        <translation>站点文件中没有写明任何人。</translation>
    </message>
    <message>
        <source>being sent</source>
        <translation>发送中</translation>
    </message>
    <message>
        <source>test from the settings</source>
        <translation>来自设置的测试</translation>
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
    <message>
        <source>change {names}</source>
        <translation>更改 {names}</translation>
    </message>
    <message>
        <source>A name is needed.</source>
        <translation>需要姓名。</translation>
    </message>
    <message>
        <source>{name} has access already.</source>
        <translation>{name} 已有访问权限。</translation>
    </message>
    <message>
        <source>sound on</source>
        <translation>声音开</translation>
    </message>
    <message>
        <source>sound off</source>
        <translation>声音关</translation>
    </message>
    <message>
        <source>Look</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>kept for you on this computer</source>
        <translation>为您保存在本机</translation>
    </message>
    <message>
        <source>Times and units</source>
        <translation>时间与单位</translation>
    </message>
    <message>
        <source>What draws your eye and ear</source>
        <translation>视觉与声音提示</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主题</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Size of text and controls</source>
        <translation>文字与控件大小</translation>
    </message>
    <message>
        <source>Arrangement of views</source>
        <translation>视图布局</translation>
    </message>
    <message>
        <source>Times</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>Size of tiles</source>
        <translation>方块大小</translation>
    </message>
    <message>
        <source>Motion</source>
        <translation>动态</translation>
    </message>
    <message>
        <source>Sound</source>
        <translation>声音</translation>
    </message>
    <message>
        <source>Unit of currents</source>
        <translation>电流单位</translation>
    </message>
    <message>
        <source>Unit of capacities</source>
        <translation>容量单位</translation>
    </message>
    <message>
        <source>Unit of capacity per mass</source>
        <translation>比容量单位（质量）</translation>
    </message>
    <message>
        <source>Unit of capacity per area</source>
        <translation>比容量单位（面积）</translation>
    </message>
    <message>
        <source>local</source>
        <translation>本地</translation>
    </message>
    <message>
        <source>an alarm that nobody has seen blinks once a second</source>
        <translation>无人看过的报警每秒闪烁一次</translation>
    </message>
    <message>
        <source>new alarms are heard, another sound for each priority</source>
        <translation>新报警发声，每个优先级声音不同</translation>
    </message>
    <message>
        <source>Reset layout</source>
        <translation>重置布局</translation>
    </message>
    <message>
        <source>automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Station</source>
        <translation>站点</translation>
    </message>
    <message>
        <source>changed in its station file, not here</source>
        <translation>在站点文件中更改，不在此处</translation>
    </message>
    <message>
        <source>Instruments</source>
        <translation>仪器</translation>
    </message>
    <message>
        <source>Find instruments...</source>
        <translation>查找仪器...</translation>
    </message>
    <message>
        <source>instrument</source>
        <translation>仪器</translation>
    </message>
    <message>
        <source>link</source>
        <translation>链路</translation>
    </message>
    <message>
        <source>driver</source>
        <translation>驱动</translation>
    </message>
    <message>
        <source>resource</source>
        <translation>资源</translation>
    </message>
    <message>
        <source>channels</source>
        <translation>通道</translation>
    </message>
    <message>
        <source>polled every</source>
        <translation>轮询周期</translation>
    </message>
    <message>
        <source>identity</source>
        <translation>身份</translation>
    </message>
    <message>
        <source>when the station is silent</source>
        <translation>站点沉默时</translation>
    </message>
    <message>
        <source>no answer yet</source>
        <translation>尚无回答</translation>
    </message>
    <message>
        <source>People</source>
        <translation>人员</translation>
    </message>
    <message>
        <source>who may look, operate, configure, administer</source>
        <translation>谁可以查看、操作、配置、管理</translation>
    </message>
    <message>
        <source>name</source>
        <translation>姓名</translation>
    </message>
    <message>
        <source>Name of the new person</source>
        <translation>新人员的姓名</translation>
    </message>
    <message>
        <source>role</source>
        <translation>角色</translation>
    </message>
    <message>
        <source>Give access</source>
        <translation>授予权限</translation>
    </message>
    <message>
        <source>Take access away...</source>
        <translation>收回权限...</translation>
    </message>
    <message>
        <source>New token</source>
        <translation>新令牌</translation>
    </message>
    <message>
        <source>It is shown this once and kept nowhere: copy it now and hand it over.</source>
        <translation>只显示这一次，不在任何地方保存：请现在复制并交给本人。</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>since</source>
        <translation>自</translation>
    </message>
    <message>
        <source>until</source>
        <translation>至</translation>
    </message>
    <message>
        <source>kind</source>
        <translation>种类</translation>
    </message>
    <message>
        <source>service</source>
        <translation>服务</translation>
    </message>
    <message>
        <source>person</source>
        <translation>人员</translation>
    </message>
    <message>
        <source>taken away</source>
        <translation>已收回</translation>
    </message>
    <message>
        <source>Select one person with access first.</source>
        <translation>请先选择一位有权限的人员。</translation>
    </message>
    <message>
        <source>Who is told of alarms</source>
        <translation>谁会收到报警</translation>
    </message>
    <message>
        <source>first row first</source>
        <translation>从第一行开始</translation>
    </message>
    <message>
        <source>Send a test message</source>
        <translation>发送测试消息</translation>
    </message>
    <message>
        <source>by</source>
        <translation>方式</translation>
    </message>
    <message>
        <source>language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>last message</source>
        <translation>最近一条消息</translation>
    </message>
    <message>
        <source>Keyboard</source>
        <translation>键盘</translation>
    </message>
    <message>
        <source>the same in every window</source>
        <translation>所有窗口相同</translation>
    </message>
    <message>
        <source>find a key or an act</source>
        <translation>查找按键或操作</translation>
    </message>
    <message>
        <source>Keyboard map</source>
        <translation>按键表</translation>
    </message>
    <message>
        <source>keys</source>
        <translation>按键</translation>
    </message>
    <message>
        <source>act</source>
        <translation>操作</translation>
    </message>
    <message>
        <source>where</source>
        <translation>位置</translation>
    </message>
    <message>
        <source>{n} keys</source>
        <translation>{n} 个按键</translation>
    </message>
    <message>
        <source>no key fits</source>
        <translation>没有符合的按键</translation>
    </message>
    <message>
        <source>Notifications</source>
        <translation>通知</translation>
    </message>
    <message>
        <source>Part of the settings</source>
        <translation>设置的部分</translation>
    </message>
    <message>
        <source>Every change holds at once; Ctrl+Z takes it back.</source>
        <translation>更改立即生效；Ctrl+Z 撤回。</translation>
    </message>
    <message>
        <source>Instruments, limits and notifications are written in the station file.</source>
        <translation>仪器、限值和通知写在站点文件中。</translation>
    </message>
    <message>
        <source>The layout is one view in one window again.</source>
        <translation>布局已恢复为单窗口单视图。</translation>
    </message>
</context>
<context>
    <name>slots</name>
    <message>
        <source>{cell} is still in it</source>
        <translation>{cell} 仍在其中</translation>
    </message>
    <message>
        <source>free</source>
        <translation>空闲</translation>
    </message>
    <message>
        <source>not free: {state}</source>
        <translation>不空闲：{state}</translation>
    </message>
    <message>
        <source>this table</source>
        <translation>本表</translation>
    </message>
    <message>
        <source>slot is free or holds the cell</source>
        <translation>槽位空闲或已装此电池</translation>
    </message>
    <message>
        <source>unload first</source>
        <translation>先取出</translation>
    </message>
    <message>
        <source>no slot yet</source>
        <translation>尚无槽位</translation>
    </message>
    <message>
        <source>go to the queue</source>
        <translation>进入队列</translation>
    </message>
</context>
<context>
    <name>sound</name>
    <message>
        <source>sound off</source>
        <translation>已静音</translation>
    </message>
    <message>
        <source>sound on</source>
        <translation>声音开</translation>
    </message>
</context>
<context>
    <name>starts</name>
    <message>
        <source>The pause between two starts is 0 to 3600 s.</source>
        <translation>两次启动的间隔为 0 至 3600 s。</translation>
    </message>
    <message>
        <source>Choose a protocol.</source>
        <translation>请选择方案。</translation>
    </message>
    <message>
        <source>being checked</source>
        <translation>检查中</translation>
    </message>
    <message>
        <source>The station said nothing about this row.</source>
        <translation>站点没有给出此行的结果。</translation>
    </message>
    <message>
        <source>The station knows no channel {name}.</source>
        <translation>站点没有通道 {name}。</translation>
    </message>
    <message>
        <source>{there} is in the slot, not {wanted}.</source>
        <translation>槽位中是 {there}，不是 {wanted}。</translation>
    </message>
    <message>
        <source>The OCV is not read now.</source>
        <translation>目前读不到 OCV。</translation>
    </message>
    <message>
        <source>OCV {measured} V, registered {registered} V: another cell?</source>
        <translation>OCV {measured} V，登记 {registered} V：是否为另一电池？</translation>
    </message>
    <message>
        <source>any that fits</source>
        <translation>任一合适通道</translation>
    </message>
    <message>
        <source>passes</source>
        <translation>通过</translation>
    </message>
    <message>
        <source>being started</source>
        <translation>启动中</translation>
    </message>
    <message>
        <source>No row passes.</source>
        <translation>没有通过的行。</translation>
    </message>
    <message>
        <source>, {pause} apart</source>
        <translation>，间隔 {pause}</translation>
    </message>
    <message>
        <source>Start {n}{pause}</source>
        <translation>启动 {n} 个{pause}</translation>
    </message>
    <message>
        <source>sending</source>
        <translation>发送中</translation>
    </message>
    <message>
        <source>queued as {job}</source>
        <translation>已排队：{job}</translation>
    </message>
    <message>
        <source>Start {n}</source>
        <translation>启动 {n} 个</translation>
    </message>
    <message>
        <source>protocol for the selected</source>
        <translation>所选行的方案</translation>
    </message>
    <message>
        <source>between two starts</source>
        <translation>相邻启动间隔</translation>
    </message>
    <message>
        <source>Pause between two starts, 0 to 3600 s</source>
        <translation>相邻两次启动的间隔，0 至 3600 s</translation>
    </message>
    <message>
        <source>Check again</source>
        <translation>重新检查</translation>
    </message>
    <message>
        <source>Tick all that pass</source>
        <translation>勾选全部通过的行</translation>
    </message>
    <message>
        <source>Nothing to start</source>
        <translation>没有要启动的内容</translation>
    </message>
    <message>
        <source>Select channels in the station view and press F5, or bring cells in the cells view. Nothing is driven before you have seen this table and pressed Start.</source>
        <translation>在站点视图中选择通道并按 F5，或从电池视图带入电池。在您看过此表并按下启动之前，不会驱动任何设备。</translation>
    </message>
    <message>
        <source>Bring cells</source>
        <translation>带入电池</translation>
    </message>
    <message>
        <source>Select channels</source>
        <translation>选择通道</translation>
    </message>
    <message>
        <source>Review</source>
        <translation>核对</translation>
    </message>
    <message>
        <source>Row in words</source>
        <translation>该行说明</translation>
    </message>
    <message>
        <source>Review of the start</source>
        <translation>启动核对表</translation>
    </message>
    <message>
        <source>channel</source>
        <translation>通道</translation>
    </message>
    <message>
        <source>cell</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>OCV meas V</source>
        <translation>实测 OCV V</translation>
    </message>
    <message>
        <source>OCV reg V</source>
        <translation>登记 OCV V</translation>
    </message>
    <message>
        <source>protocol</source>
        <translation>方案</translation>
    </message>
    <message>
        <source>set current</source>
        <translation>设定电流</translation>
    </message>
    <message>
        <source>limits</source>
        <translation>限值</translation>
    </message>
    <message>
        <source>starts</source>
        <translation>启动</translation>
    </message>
    <message>
        <source>ends about</source>
        <translation>预计结束</translation>
    </message>
    <message>
        <source>pre-flight</source>
        <translation>启动前检查</translation>
    </message>
    <message>
        <source>choose...</source>
        <translation>请选择...</translation>
    </message>
    <message>
        <source>{ticked} of {all} ticked, {n} pass</source>
        <translation>已勾选 {ticked}，共 {all}，通过 {n}</translation>
    </message>
    <message>
        <source>Nothing to start.</source>
        <translation>没有要启动的内容。</translation>
    </message>
    <message>
        <source>{n} rows stay behind, each says why.</source>
        <translation>{n} 行不启动，各行写明原因。</translation>
    </message>
    <message>
        <source>The station has not said anything about this row yet.</source>
        <translation>站点尚未就此行给出任何说明。</translation>
    </message>
    <message>
        <source>{n} starts are queued.</source>
        <translation>{n} 项启动已排队。</translation>
    </message>
    <message>
        <source>{n} were refused; each row says why.</source>
        <translation>{n} 项被拒绝；各行写明原因。</translation>
    </message>
</context>
<context>
    <name>station</name>
    <message>
        <source>Export rows as CSV into a folder</source>
        <translation>将记录导出为 CSV 到文件夹</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>No filter</source>
        <translation>不筛选</translation>
    </message>
    <message>
        <source>New filter...</source>
        <translation>新建筛选...</translation>
    </message>
    <message>
        <source>{tile}, selected</source>
        <translation>{tile}，已选中</translation>
    </message>
    <message>
        <source>Sort</source>
        <translation>排序</translation>
    </message>
    <message>
        <source>Group</source>
        <translation>分组</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>筛选</translation>
    </message>
    <message>
        <source>Find</source>
        <translation>查找</translation>
    </message>
    <message>
        <source>Show only channels with these words (/)</source>
        <translation>只显示含有这些词的通道（/）</translation>
    </message>
    <message>
        <source>Cell, batch, state</source>
        <translation>电池、批次、状态</translation>
    </message>
    <message>
        <source>Size of tiles</source>
        <translation>图块大小</translation>
    </message>
    <message>
        <source>Look</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>Small tiles</source>
        <translation>小图块</translation>
    </message>
    <message>
        <source>Medium tiles</source>
        <translation>中图块</translation>
    </message>
    <message>
        <source>Large tiles</source>
        <translation>大图块</translation>
    </message>
    <message>
        <source>Tiles</source>
        <translation>图块</translation>
    </message>
    <message>
        <source>Table</source>
        <translation>表格</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>New...</source>
        <translation>新建...</translation>
    </message>
    <message>
        <source>Edit...</source>
        <translation>编辑...</translation>
    </message>
    <message>
        <source>Needs you</source>
        <translation>需要处理</translation>
    </message>
    <message>
        <source>Nothing needs you now.</source>
        <translation>目前没有需要处理的。</translation>
    </message>
    <message>
        <source>Open alarms</source>
        <translation>打开报警</translation>
    </message>
    <message>
        <source>{n} more</source>
        <translation>还有 {n} 个</translation>
    </message>
    <message>
        <source>charge</source>
        <translation>充电</translation>
    </message>
    <message>
        <source>discharge</source>
        <translation>放电</translation>
    </message>
    <message>
        <source>rest</source>
        <translation>静置</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>stale</source>
        <translation>陈旧</translation>
    </message>
    <message>
        <source>unknown</source>
        <translation>未知</translation>
    </message>
    <message>
        <source>Channels</source>
        <translation>通道</translation>
    </message>
    <message>
        <source>More</source>
        <translation>更多</translation>
    </message>
    <message>
        <source>Cancel export</source>
        <translation>取消导出</translation>
    </message>
    <message>
        <source>Assign cells</source>
        <translation>分配电池</translation>
    </message>
    <message>
        <source>Protocol</source>
        <translation>方案</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>Export...</source>
        <translation>导出...</translation>
    </message>
    <message>
        <source>Nothing selected</source>
        <translation>未选择</translation>
    </message>
    <message>
        <source>Select channels first: click, Ctrl, Shift, or drag a frame.</source>
        <translation>先选择通道：单击、Ctrl、Shift 或拖出选框。</translation>
    </message>
    <message>
        <source>View data</source>
        <translation>查看数据</translation>
    </message>
    <message>
        <source>Copy as table</source>
        <translation>复制为表格</translation>
    </message>
    <message>
        <source>Mark as seen</source>
        <translation>标为已看</translation>
    </message>
    <message>
        <source>Back up data...</source>
        <translation>备份数据...</translation>
    </message>
    <message>
        <source>Selected channels</source>
        <translation>所选通道</translation>
    </message>
</context>
<context>
    <name>statusbar</name>
    <message>
        <source>wall {time}</source>
        <translation>本机 {time}</translation>
    </message>
    <message>
        <source>bench {time}</source>
        <translation>台架 {time}</translation>
    </message>
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
        <source>Stop all outputs was not answered; it is tried no more</source>
        <translation>全部输出停止命令未得到应答；不再重试</translation>
    </message>
    <message>
        <source>Switch off at the instruments, or press it again.</source>
        <translation>请在仪器上关断，或再次按下。</translation>
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
        <source>Stop all was pressed again meanwhile</source>
        <translation>期间又有人按下了全部停止</translation>
    </message>
    <message>
        <source>By {name}: {reason}</source>
        <translation>{name}：{reason}</translation>
    </message>
    <message>
        <source>Look at it again, then release it.</source>
        <translation>请再查看一次，然后解除。</translation>
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
    <name>sweeps</name>
    <message>
        <source>No active mass is registered: there is no capacity per gram.</source>
        <translation>未登记活性物质质量：没有每克容量。</translation>
    </message>
    <message>
        <source>No area is registered: there is no capacity per area.</source>
        <translation>未登记面积：没有单位面积容量。</translation>
    </message>
</context>
<context>
    <name>text</name>
    <message>
        <source>never</source>
        <translation>从未</translation>
    </message>
</context>
<context>
    <name>tiles</name>
    <message>
        <source>{age} old</source>
        <translation>{age} 前</translation>
    </message>
    <message>
        <source>not read yet</source>
        <translation>尚未读取</translation>
    </message>
    <message>
        <source>{n} of {all}</source>
        <translation>{n} / {all}</translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation>剩余 {time}</translation>
    </message>
    <message>
        <source>ready</source>
        <translation>就绪</translation>
    </message>
    <message>
        <source>not released</source>
        <translation>未放行</translation>
    </message>
    <message>
        <source>move leads</source>
        <translation>请移线</translation>
    </message>
    <message>
        <source>waits: {name}</source>
        <translation>等待 {name}</translation>
    </message>
    <message>
        <source>op: {name}, {time}</source>
        <translation>操作：{name}，{time}</translation>
    </message>
    <message>
        <source>program, {time}</source>
        <translation>程序，{time}</translation>
    </message>
    <message>
        <source>at the tester, {time}</source>
        <translation>在测试仪上，{time}</translation>
    </message>
    <message>
        <source>by a person, {time}</source>
        <translation>由人员，{time}</translation>
    </message>
    <message>
        <source>cycle {n} of {all}</source>
        <translation>循环 {n} / {all}</translation>
    </message>
    <message>
        <source>coarse: live reading, less fine than the record</source>
        <translation>粗略：实时读数，精度低于记录</translation>
    </message>
    <message>
        <source>STALE</source>
        <translation>STALE</translation>
    </message>
    <message>
        <source>last record</source>
        <translation>最新记录</translation>
    </message>
    <message>
        <source>step {n} of {all}: {kind}</source>
        <translation>工步 {n} / {all}：{kind}</translation>
    </message>
    <message>
        <source>pauses at the end of the step ({who})</source>
        <translation>在工步结束时暂停（{who}）</translation>
    </message>
    <message>
        <source>paused: {who}</source>
        <translation>已暂停：{who}</translation>
    </message>
    <message>
        <source>ends {when}, {left} left ({basis})</source>
        <translation>{when} 结束，剩余 {left}（{basis}）</translation>
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
        <source>Not confirmed: {what}</source>
        <translation>未确认：{what}</translation>
    </message>
    <message>
        <source>Look at the instrument: nobody knows whether it was done.</source>
        <translation>请查看仪器：无人知道是否已执行。</translation>
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
    <name>views</name>
    <message>
        <source>Alarms</source>
        <translation>报警</translation>
    </message>
    <message>
        <source>Cells</source>
        <translation>电池</translation>
    </message>
    <message>
        <source>Channel</source>
        <translation>通道</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>EIS</source>
        <translation>EIS</translation>
    </message>
    <message>
        <source>First steps</source>
        <translation>入门</translation>
    </message>
    <message>
        <source>Raw frames</source>
        <translation>原始帧</translation>
    </message>
    <message>
        <source>Protocol</source>
        <translation>方案</translation>
    </message>
    <message>
        <source>Queue</source>
        <translation>队列</translation>
    </message>
    <message>
        <source>Recovery</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Reports</source>
        <translation>报告</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Review and start</source>
        <translation>核对并启动</translation>
    </message>
    <message>
        <source>Station</source>
        <translation>工位</translation>
    </message>
</context>
<context>
    <name>window</name>
    <message>
        <source>Runs need a person after a restart: open Recovery (Ctrl+K).</source>
        <translation>重启后有运行需要人处理：请打开“恢复”（Ctrl+K）。</translation>
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
        <source>en</source>
        <translation>zh</translation>
    </message>
    <message>
        <source>charging</source>
        <translation>充电中</translation>
    </message>
    <message>
        <source>discharging</source>
        <translation>放电中</translation>
    </message>
    <message>
        <source>resting at open circuit</source>
        <translation>开路静置</translation>
    </message>
    <message>
        <source>paused; it goes on when a person says so</source>
        <translation>已暂停；由人员决定继续</translation>
    </message>
    <message>
        <source>waiting for the chamber's temperature</source>
        <translation>等待温箱温度</translation>
    </message>
    <message>
        <source>at a potentiostat, or on the way</source>
        <translation>在恒电位仪上或途中</translation>
    </message>
    <message>
        <source>free</source>
        <translation>空闲</translation>
    </message>
    <message>
        <source>a cell is in it; nothing runs</source>
        <translation>有电池，未运行</translation>
    </message>
    <message>
        <source>finished</source>
        <translation>已完成</translation>
    </message>
    <message>
        <source>stopped by a person</source>
        <translation>由人员停止</translation>
    </message>
    <message>
        <source>stopped by a limit; latched until a person resets it</source>
        <translation>因限值停止；锁定至人员复位</translation>
    </message>
    <message>
        <source>the instrument stopped it by its own limit</source>
        <translation>仪器因自身限值停止</translation>
    </message>
    <message>
        <source>the cell is short-circuited</source>
        <translation>电池短路</translation>
    </message>
    <message>
        <source>the cell has reached the end of its life</source>
        <translation>电池寿命已尽</translation>
    </message>
    <message>
        <source>a person should look</source>
        <translation>需要人员查看</translation>
    </message>
    <message>
        <source>held: nothing is sent until a person has looked</source>
        <translation>已挂起：有人查看之前不发送任何命令</translation>
    </message>
    <message>
        <source>no news; the instrument goes on by itself</source>
        <translation>无消息；仪器自行继续</translation>
    </message>
    <message>
        <source>nobody knows what it does</source>
        <translation>状态未知</translation>
    </message>
    <message>
        <source>starting: the answer is awaited</source>
        <translation>启动中：等待应答</translation>
    </message>
    <message>
        <source>stopping: the read-back is awaited</source>
        <translation>停止中：等待回读</translation>
    </message>
    <message>
        <source>over; the last rows are being fetched</source>
        <translation>已结束；正在取回最后的数据</translation>
    </message>
    <message>
        <source>between two parts of the program, at open circuit</source>
        <translation>程序两段之间，开路</translation>
    </message>
    <message>
        <source>prepared; nothing was sent yet</source>
        <translation>已准备；尚未发送</translation>
    </message>
    <message>
        <source>running</source>
        <translation>运行中</translation>
    </message>
    <message>
        <source>the instrument has no such channel</source>
        <translation>仪器没有此通道</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>starts by itself</source>
        <translation>将自动启动</translation>
    </message>
    <message>
        <source>held</source>
        <translation>已挂起</translation>
    </message>
    <message>
        <source>starts after release</source>
        <translation>释放后启动</translation>
    </message>
    <message>
        <source>starting</source>
        <translation>启动中</translation>
    </message>
    <message>
        <source>being started</source>
        <translation>正在启动</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>ended as it should</source>
        <translation>正常结束</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>ended badly</source>
        <translation>异常结束</translation>
    </message>
    <message>
        <source>removed</source>
        <translation>已移除</translation>
    </message>
    <message>
        <source>never started</source>
        <translation>从未启动</translation>
    </message>
    <message>
        <source>opening</source>
        <translation>连接中</translation>
    </message>
    <message>
        <source>awaited</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>live</source>
        <translation>在线</translation>
    </message>
    <message>
        <source>it answers</source>
        <translation>有响应</translation>
    </message>
    <message>
        <source>view only</source>
        <translation>仅查看</translation>
    </message>
    <message>
        <source>operator</source>
        <translation>操作员</translation>
    </message>
    <message>
        <source>configurer</source>
        <translation>配置员</translation>
    </message>
    <message>
        <source>administrator</source>
        <translation>管理员</translation>
    </message>
    <message>
        <source>Critical</source>
        <translation>紧急</translation>
    </message>
    <message>
        <source>High</source>
        <translation>高</translation>
    </message>
    <message>
        <source>Medium</source>
        <translation>中</translation>
    </message>
    <message>
        <source>Low</source>
        <translation>低</translation>
    </message>
</context>
</TS>
